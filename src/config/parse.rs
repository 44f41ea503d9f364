//! Text to values. Every error is the rest of the sentence "NAME is …: it must be …".

use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use modelgate_domain::Secret;

use super::variable::Kind;
use super::{JournalFull, LogFormat};
use crate::forwarded::network;

impl Kind {
    /// Whether `text` is a value of this kind; the error says what is.
    pub fn check(&self, text: &str) -> Result<(), String> {
        match self {
            Self::Text { max } => (text.chars().count() <= *max
                && !text.chars().any(char::is_control))
            .then_some(())
            .ok_or_else(|| self.right()),
            Self::Markdown { max } => (text.chars().count() <= *max
                && !text
                    .chars()
                    .any(|c| c.is_control() && c != '\n' && c != '\t'))
            .then_some(())
            .ok_or_else(|| self.right()),
            Self::HeaderValue { max } => ((1..=*max).contains(&text.len())
                && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)))
            .then_some(())
            .ok_or_else(|| self.right()),
            Self::Words(words) => {
                let mut named = items(text).peekable();
                let fits = named.peek().is_some() && named.all(|word| words.contains(&word));
                fits.then_some(()).ok_or_else(|| self.right())
            }
            Self::Secret { min } => (text.chars().count() >= *min)
                .then_some(())
                .ok_or_else(|| self.right()),
            Self::Path => path(text).map(drop),
            Self::Database => database_url(text).map(drop),
            Self::Redis => redis_url(text).map(drop),
            Self::Address => address(text).map(drop),
            Self::Integer { .. } | Self::Bytes { .. } | Self::Seconds { .. } => {
                self.integer(text).map(drop)
            }
            Self::Choice(words) => words
                .contains(&text)
                .then_some(())
                .ok_or_else(|| self.right()),
            Self::LogFilter => log_filter(text).map(drop),
            Self::Networks => networks(text).map(drop),
            Self::TimeZone => time_zone(text).map(drop),
            Self::Origins => origins(text).map(drop),
            Self::Accounts => accounts(text).map(drop),
            Self::Username => username(text).map(drop),
            Self::BasePath => base_path(text).map(drop),
            Self::Link => link(text).map(drop),
            Self::Pairs => pairs(text).map(drop),
            Self::Headers => header_pairs(text).map(drop),
            Self::Ratio => ratio(text).map(drop),
        }
    }

    /// What a value has to be, for kinds with bounds.
    pub(super) fn right(&self) -> String {
        match self {
            Self::Integer { min, max } => {
                format!("it must be a whole number from {min} to {max}")
            }
            Self::Bytes { min, max } => format!(
                "it must be a size such as 1048576, 512KiB, 32MiB or 1GiB, from {} to {}",
                show_bytes(*min),
                show_bytes(*max)
            ),
            Self::Seconds { min, max } => {
                format!("it must be a whole number of seconds from {min} to {max}")
            }
            Self::Text { max } => format!("it must be one line of at most {max} characters"),
            Self::Markdown { max } => format!("it must be at most {max} characters of Markdown"),
            Self::HeaderValue { max } => {
                format!(
                    "it must be 1 to {max} characters that an HTTP header may hold: ASCII, in one line"
                )
            }
            Self::Words(words) => format!("it must be some of {} between commas", words.join(", ")),
            Self::Secret { min } => format!(
                "it must be at least {min} characters long; `openssl rand -base64 32` makes a good one"
            ),
            Self::Choice(words) => format!("it must be {}", words.join(" or ")),
            _ => "it has another form".to_owned(),
        }
    }

    /// A number within the bounds, for the kinds that are numbers.
    pub(super) fn integer(&self, text: &str) -> Result<u64, String> {
        let (number, min, max) = match self {
            Self::Integer { min, max } | Self::Seconds { min, max } => {
                (text.parse().ok(), *min, *max)
            }
            Self::Bytes { min, max } => (bytes(text), *min, *max),
            _ => return Err(self.right()),
        };
        number
            .filter(|n| (min..=max).contains(n))
            .ok_or_else(|| self.right())
    }
}

fn bytes(text: &str) -> Option<u64> {
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// Bytes in the largest unit that divides them.
fn show_bytes(bytes: u64) -> String {
    for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
        if bytes >= 1 << shift && bytes.trailing_zeros() >= shift {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    bytes.to_string()
}

pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() || text.contains('\0') {
        return Err("it must be the path of a directory".to_owned());
    }
    Ok(PathBuf::from(text))
}

/// The URL in its one spelling: `sqlite:PATH` without slashes of a URL, PostgreSQL as it stands.
pub(super) fn database_url(text: &str) -> Result<String, String> {
    let right = || {
        "it must be sqlite:PATH (a file), or postgres://user:password@host:port/database".to_owned()
    };
    if let Some(rest) = text.strip_prefix("sqlite:") {
        let path = rest.strip_prefix("//").unwrap_or(rest);
        let usable = !path.is_empty() && !path.contains(":memory:") && !path.contains('\0');
        return usable.then(|| format!("sqlite:{path}")).ok_or_else(right);
    }
    let rest = text
        .strip_prefix("postgres://")
        .or_else(|| text.strip_prefix("postgresql://"))
        .ok_or_else(right)?;
    if rest.is_empty() || rest.chars().any(char::is_whitespace) {
        return Err(right());
    }
    Ok(text.to_owned())
}

/// Only the scheme and that there is a host: the rest is for who connects.
pub(super) fn redis_url(text: &str) -> Result<String, String> {
    let right =
        || "it must be redis://user:password@host:port/number, or rediss:// for TLS".to_owned();
    let rest = text
        .strip_prefix("redis://")
        .or_else(|| text.strip_prefix("rediss://"))
        .ok_or_else(right)?;
    if rest.is_empty() || rest.chars().any(char::is_whitespace) {
        return Err(right());
    }
    Ok(text.to_owned())
}

/// A database URL without the password, for messages.
pub fn redact_database_url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let place = match place.rsplit_once('@') {
        Some((user, host)) => {
            let name = user.split_once(':').map_or(user, |(name, _)| name);
            let hidden = if user.contains(':') { ":[hidden]" } else { "" };
            format!("{name}{hidden}@{host}")
        }
        None => place.to_owned(),
    };
    let query: Vec<String> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.split_once('=') {
            Some((key, _)) if key.contains("password") => format!("{key}=[hidden]"),
            _ => pair.to_owned(),
        })
        .collect();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{scheme}://{place}{mark}{}", query.join("&"))
}

pub(super) fn address(text: &str) -> Result<IpAddr, String> {
    let text = match text {
        "localhost" => "127.0.0.1",
        "*" => "0.0.0.0",
        other => other.trim_start_matches('[').trim_end_matches(']'),
    };
    text.parse()
        .map_err(|_address| "it must be an IP address such as 127.0.0.1, 0.0.0.0 or ::".to_owned())
}

pub(super) fn log_filter(text: &str) -> Result<String, String> {
    let right = || {
        "it must be error, warn, info, debug or off, also by module as in info,modelgate::proxy=debug"
            .to_owned()
    };
    let level = |word: &str| -> Option<&'static str> {
        Some(match word.to_ascii_lowercase().as_str() {
            "off" => "off",
            "error" | "critical" => "error",
            "warn" | "warning" => "warn",
            "info" => "info",
            "debug" | "trace" => "debug",
            _ => return None,
        })
    };
    let mut parts = Vec::new();
    for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        // A bare word that is no level would be read as the name of a module, and say nothing.
        match part.rsplit_once('=') {
            None => parts.push(level(part).ok_or_else(right)?.to_owned()),
            Some((target, word)) => {
                let word = level(word).ok_or_else(right)?;
                parts.push(format!("{target}={word}"));
            }
        }
    }
    let filter = parts.join(",");
    match tracing_subscriber::EnvFilter::try_new(&filter) {
        Ok(_) if !filter.is_empty() => Ok(filter),
        _ => Err(right()),
    }
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("it must be text or json".to_owned()),
    }
}

pub(super) fn journal_full(text: &str) -> Result<JournalFull, String> {
    match text {
        "stop" => Ok(JournalFull::Stop),
        "serve-without-record" => Ok(JournalFull::ServeWithoutRecord),
        _ => Err("it must be stop or serve-without-record".to_owned()),
    }
}

pub(super) fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

pub(super) fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    items(text)
        .map(|item| {
            network(item).ok_or_else(|| {
                "it must be addresses or CIDRs between commas, such as 10.0.0.0/8,::1".to_owned()
            })
        })
        .collect()
}

pub(super) fn time_zone(text: &str) -> Result<chrono_tz::Tz, String> {
    text.trim_start_matches(':')
        .parse()
        .map_err(|_zone| "it must be an IANA time zone such as UTC or Asia/Shanghai".to_owned())
}

pub(super) fn origins(text: &str) -> Result<Vec<String>, String> {
    let right = || {
        "it must be web origins between commas, such as https://app.example.com, or * for any"
            .to_owned()
    };
    items(text)
        .map(|item| {
            if item == "*" {
                return Ok(item.to_owned());
            }
            let link = link(item).map_err(|_link| right())?;
            let host = link.split_once("://").map_or("", |(_, host)| host);
            if host.contains('/') {
                return Err(right());
            }
            Ok(link.to_ascii_lowercase())
        })
        .collect()
}

/// Splits at commas, then each at its first colon: a password may hold colons, not commas.
pub(super) fn accounts(text: &str) -> Result<Vec<(String, Secret)>, String> {
    let right = || {
        "it must be name:password,name:password, each name once, and passwords without commas"
            .to_owned()
    };
    let mut accounts: Vec<(String, Secret)> = Vec::new();
    for item in items(text) {
        let (name, password) = item.split_once(':').ok_or_else(right)?;
        let name = username(name)?;
        if password.is_empty() || accounts.iter().any(|(other, _)| *other == name) {
            return Err(right());
        }
        accounts.push((name, Secret::new(password)));
    }
    Ok(accounts)
}

/// An account's name: 1 to 64 letters, digits and `. _ - @ +`.
pub fn username(text: &str) -> Result<String, String> {
    let text = text.trim();
    let fits = (1..=64).contains(&text.chars().count());
    let usable = |c: char| c.is_alphanumeric() || "._-@+".contains(c);
    if fits && text.chars().all(usable) {
        Ok(text.to_owned())
    } else {
        Err("a name is 1 to 64 letters, digits and . _ - @ +".to_owned())
    }
}

pub(super) fn base_path(text: &str) -> Result<String, String> {
    let trimmed = text.trim_end_matches('/');
    let usable = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._~-".contains(&b))
    };
    match trimmed.strip_prefix('/') {
        None if trimmed.is_empty() => Ok(String::new()),
        Some(rest) if rest.split('/').all(usable) => Ok(trimmed.to_owned()),
        _ => Err("it must be a path such as /gateway, of letters, digits and . _ ~ -".to_owned()),
    }
}

pub(super) fn optional_link(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        Ok(None)
    } else {
        link(text).map(Some)
    }
}

/// An `http(s)://` address without query, fragment, user or trailing slash.
pub(super) fn link(text: &str) -> Result<String, String> {
    let right = || "it must be an address such as https://ai.example.com".to_owned();
    let uri: hyper::Uri = text.parse().map_err(|_uri| right())?;
    let scheme_fits = matches!(uri.scheme_str(), Some("http" | "https"));
    let host_fits = uri
        .authority()
        .is_some_and(|a| !a.host().is_empty() && !a.as_str().contains('@'));
    if scheme_fits && host_fits && uri.query().is_none() && !text.contains('#') {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err(right())
    }
}

/// `name=value` between commas; values are percent-encoded, as OpenTelemetry has it.
pub(super) fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let right = || "it must be name=value,name=value with percent-encoded values".to_owned();
    text.split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').ok_or_else(right)?;
            let value = percent_decoded(value.trim()).ok_or_else(right)?;
            let name = name.trim();
            let usable = !name.is_empty() && !value.chars().any(char::is_control);
            usable.then(|| (name.to_owned(), value)).ok_or_else(right)
        })
        .collect()
}

/// The same with names and values that HTTP can carry; names in lower case.
pub(super) fn header_pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut all = pairs(text)?;
    for (name, value) in &mut all {
        name.make_ascii_lowercase();
        if hyper::header::HeaderName::from_bytes(name.as_bytes()).is_err()
            || hyper::header::HeaderValue::from_str(value).is_err()
        {
            return Err("it must be name=value,name=value with names of HTTP headers".to_owned());
        }
    }
    Ok(all)
}

/// A share.
pub(super) fn ratio(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    number
        .filter(|n| (0.0..=1.0).contains(n))
        .ok_or_else(|| "it must be a number from 0 to 1".to_owned())
}

/// A `%` begins two hexadecimal digits.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        if !digits.bytes().all(|d| d.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = rest.get(2..)?;
    }
    String::from_utf8(bytes).ok()
}

/// The candidate that looks most like `word`, unless none is close.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (distance(word, candidate), candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, candidate)| *distance <= 2.max(candidate.len().min(word.len()) / 3))
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut left = i + 1;
        let mut corner = i;
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let replaced = corner + usize::from(x != *y);
            corner = *cell;
            left = replaced.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;

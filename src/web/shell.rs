//! What every page needs around its own content: the person, the language, the theme, addresses and formatting.
//!
//! Templates reach it as `page`; it holds display-ready values and asks no store.

use actix_web::http::header::ACCEPT_LANGUAGE;
use actix_web::{HttpMessage, HttpRequest, web};
use chrono_tz::Tz;
use modelgate_domain::{Currency, Permission, Role};
use modelgate_store::notices::COUNTED;

use super::flash::{self, Toast};
use super::notices::{Banner, Waiting};
use super::peer::Peer;
use super::session::{self, CurrentKey, CurrentUser};
use super::state::WebState;
use super::{assets, csrf, menu};
use crate::config::Site;
use crate::i18n::{self, Lang, ToArg, format};
use crate::journal::WhenFull;

/// The cookie with a visitor's language.
pub(super) const LANG_COOKIE: &str = "mg_lang";
/// The cookie with a visitor's theme.
pub(super) const THEME_COOKIE: &str = "mg_theme";
/// The cookie with the time zone that somebody without an account chose.
pub(super) const ZONE_COOKIE: &str = "mg_zone";
/// The cookie with the time zone of the browser, which `app.js` keeps; the choice goes before it.
const BROWSER_ZONE_COOKIE: &str = "mg_browser_zone";

/// Light, dark, or as the system says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// In the order the switch lists them.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The name in cookies, forms and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Its symbol in the sprite.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::System => "sun-moon",
            Self::Light => "sun",
            Self::Dark => "moon",
        }
    }

    /// The theme of a name; none where it names none.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == text)
    }
}

/// What guard set on the request before anything else ran.
#[derive(Clone, Debug)]
pub(super) struct Marks {
    /// Sent in `x-request-id`.
    pub(super) request_id: String,
    /// Who is calling.
    pub(super) peer: Peer,
    /// The visitor cookie's value, made now where the browser had none.
    pub(super) visitor: String,
}

/// The frame of a page, as templates see it.
#[derive(Clone, Debug)]
pub struct Shell {
    /// The language of every text.
    pub lang: Lang,
    /// The chosen theme.
    pub theme: Theme,
    /// Who is logged in.
    pub user: Option<CurrentUser>,
    /// The key that somebody without an account is logged in with.
    pub key: Option<CurrentKey>,
    /// The hidden field of every form.
    pub csrf: String,
    /// Shown on error pages and in error toasts.
    pub request_id: String,
    /// Path below the base path, with the query: where the language switch comes back to.
    pub here: String,
    /// Something to tell once, from the request before.
    pub toast: Option<Toast>,
    /// The time of the request, epoch milliseconds.
    pub now_ms: i64,
    /// The time zone of whoever reads.
    pub zone: Tz,
    /// The time zone that days and budgets go by.
    pub business: Tz,
    /// Set while the page is asked for by htmx, and neither boosted nor a history restore.
    pub partial: bool,
    /// The id of the element htmx will fill; empty for whole pages.
    pub target: String,
    base_path: String,
    /// What the pages show of the house.
    site: Site,
    /// The filing number at the foot of public pages.
    icp_number: Option<String>,
    /// What waits to be read.
    waiting: Waiting,
    /// What happens to calls now that the journal has no room.
    journal_full: Option<WhenFull>,
}

impl Shell {
    /// Reads everything off the request; the session has been loaded by then, or the person counts as a visitor.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let state = request.app_data::<web::Data<WebState>>();
        let user = session::current_user(request);
        let base_path = state.map_or_else(String::new, |s| s.config.base_path.clone());
        let marks = request.extensions().get::<Marks>().cloned();
        let address = marks.as_ref().map(|m| m.peer.address);
        let header = |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok());
        let visitor = marks.as_ref().map(|m| csrf::token_of(&m.visitor));
        let business = state.map_or(Tz::UTC, |s| s.config.time_zone);
        let runtime = state.map(|s| s.settings.load().runtime.clone());
        let (site, icp_number) = runtime.map(|r| (r.site, r.icp_number)).unwrap_or_default();
        let path = request.uri().path_and_query().map_or("/", |p| p.as_str());
        Self {
            lang: language(request, user.as_ref(), &site),
            theme: theme(request, user.as_ref(), &site),
            site,
            icp_number,
            csrf: session::csrf_token(request).or(visitor).unwrap_or_default(),
            request_id: marks.map(|m| m.request_id).unwrap_or_default(),
            here: path.strip_prefix(&base_path).unwrap_or(path).to_owned(),
            toast: flash::of(request),
            now_ms: state.map_or(0, |s| s.clock.now_ms()),
            zone: zone_of(request, user.as_ref()).unwrap_or(business),
            business,
            partial: header("hx-request") == Some("true")
                && header("hx-boosted").is_none()
                && header("hx-history-restore-request").is_none(),
            target: header("hx-target").unwrap_or_default().to_owned(),
            user,
            key: address.and_then(|address| session::current_key(request, address)),
            waiting: session::waiting(request),
            base_path,
            journal_full: state.and_then(|s| s.journal.stats().full),
        }
    }

    /// [`Self::here`] without the query.
    pub fn path(&self) -> &str {
        self.here.split('?').next().unwrap_or("")
    }

    /// The text of a key.
    pub fn t(&self, key: &str) -> String {
        i18n::t(self.lang, key)
    }

    /// The text of a key with one value.
    pub fn t1(&self, key: &str, name: &str, value: impl ToArg) -> String {
        i18n::t_with(self.lang, key, &[(name, &value)])
    }

    /// The text of a key with values.
    pub fn t_with(&self, key: &str, args: &[(&str, &dyn ToArg)]) -> String {
        i18n::t_with(self.lang, key, args)
    }

    /// The text of a count: the key gets `count` for the plural and `value`, formatted, to show.
    pub fn counted(&self, key: &str, count: i64) -> String {
        i18n::t_with(
            self.lang,
            key,
            &[("count", &count), ("value", &format::integer(count))],
        )
    }

    /// The text of a key made from a stored code, such as `status-` and `timeout`; the code itself where no text is known.
    pub fn t_code(&self, prefix: &str, code: &str) -> String {
        let key = format!("{prefix}{}", code.replace('_', "-"));
        i18n::find(self.lang, &key, &[]).unwrap_or_else(|| code.to_owned())
    }

    /// Whether the person's role has this permission: for buttons; handlers ask by their type.
    pub fn may(&self, asked: Permission) -> bool {
        self.user.as_ref().is_some_and(|user| user.role.may(asked))
    }

    /// What the person is called: the account's name, or the key's.
    pub fn person(&self) -> Option<&str> {
        let key = || self.key.as_ref().map(|key| key.name.as_str());
        let user = self.user.as_ref().map(CurrentUser::shown_name);
        user.or_else(key)
    }

    /// Where the person begins.
    pub fn home(&self) -> &'static str {
        match (&self.user, &self.key) {
            (Some(user), _) => home_of(user.role),
            (None, Some(_)) => PORTAL,
            (None, None) => "/",
        }
    }

    /// Whether to offer the console.
    pub fn may_look(&self) -> bool {
        self.may(Permission::Look)
    }

    /// Whether to offer changes of how calls are served.
    pub fn may_operate(&self) -> bool {
        self.may(Permission::Operate)
    }

    /// Whether to offer to issue and enter secrets.
    pub fn may_handle_secrets(&self) -> bool {
        self.may(Permission::Secrets)
    }

    /// Whether to offer to end things for good.
    pub fn may_delete(&self) -> bool {
        self.may(Permission::Delete)
    }

    /// Whether to offer changes of other people's accounts.
    pub fn may_manage_accounts(&self) -> bool {
        self.may(Permission::Accounts)
    }

    /// Whether to offer changes of the settings.
    pub fn may_configure(&self) -> bool {
        self.may(Permission::Configure)
    }

    /// An address of this site, below the base path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_path)
    }

    /// The address of a static file, with its content's hash.
    pub fn asset(&self, path: &str) -> String {
        assets::address(&self.base_path, path)
    }

    /// The address of a symbol of the icon sprite.
    pub fn icon(&self, name: &str) -> String {
        format!("{}#{name}", self.asset(ICONS))
    }

    /// The document title of a page whose heading is the text of `key`.
    pub fn title(&self, key: &str) -> String {
        self.title_of(self.t(key))
    }

    /// The document title of a page about one named thing.
    pub fn title_of(&self, name: impl AsRef<str>) -> String {
        self.t_with(
            "page-title",
            &[("page", &name.as_ref()), ("product", &self.site.name)],
        )
    }

    /// Shown beside the symbol of the product.
    pub fn product(&self) -> &str {
        &self.site.name
    }

    /// The filing number, where the law wants one.
    pub fn icp_number(&self) -> Option<&str> {
        self.icp_number.as_deref()
    }

    /// The house's own text for the landing page, in Markdown; empty where there is none.
    pub fn landing_text(&self) -> &str {
        self.site.landing(self.lang)
    }

    /// What those who run the gateway have to know wherever they are; the overview says it in its own place.
    pub fn alarm(&self) -> Option<String> {
        let key = match self.journal_full? {
            WhenFull::Stop => "admin-home-notice-stopped",
            WhenFull::ServeWithoutRecord => "admin-home-notice-unrecorded",
        };
        let is_told = self.may(Permission::Look) && self.path() != "/admin/home";
        is_told.then(|| self.t(key))
    }

    /// What is announced to those who use the gateway, on their pages.
    pub fn banners(&self) -> Vec<Banner> {
        let is_theirs = self.path().starts_with("/user/");
        let shown = self.waiting.announced.iter().filter(|_| is_theirs);
        shown.map(|one| one.banner(self.lang)).collect()
    }

    /// How many notices wait in the section of the menu at `path`: to show and to be read aloud; none where none do.
    pub(super) fn badge(&self, path: &str) -> Option<(String, String)> {
        let unread = match path {
            "/admin/notifications" => self.waiting.unread,
            "/user/notifications" => self.waiting.own,
            _ => 0,
        };
        (unread > 0).then(|| {
            let shown = match unread {
                COUNTED.. => "99+".to_owned(),
                unread => unread.to_string(),
            };
            (shown, self.counted("menu-notifications-unread", unread))
        })
    }

    /// The rows of the menu on the left.
    pub fn menu(&self) -> Vec<menu::Entry> {
        menu::entries(self)
    }

    /// Whether the time zone is chosen in the menu: an account has it in its preferences.
    pub fn chooses_zone(&self) -> bool {
        self.user.is_none() && self.key.is_some()
    }

    /// Where the cookies of the pages live.
    pub fn cookie_path(&self) -> String {
        super::page::cookie_path(&self.base_path)
    }

    /// Languages for the switch.
    pub fn languages(&self) -> &[Lang] {
        &self.site.languages
    }

    /// Themes for the switch.
    pub fn themes(&self) -> [Theme; 3] {
        Theme::ALL
    }

    /// A count, grouped.
    pub fn integer(&self, value: &i64) -> String {
        format::integer(*value)
    }

    /// A large count in three or four figures.
    pub fn compact(&self, value: &i64) -> String {
        format::compact(self.lang, *value)
    }

    /// An amount to read at a glance.
    pub fn money(&self, currency: &Currency, nanos: &i64) -> String {
        format::money(currency, *nanos)
    }

    /// How long something took.
    pub fn duration(&self, ms: &i64) -> String {
        format::duration(self.lang, *ms)
    }

    /// A moment, for people and for programs.
    pub fn moment(&self, epoch_ms: i64) -> Moment {
        self.moment_in(epoch_ms, self.zone)
    }

    /// A moment on the clock of a time zone.
    pub fn moment_in(&self, epoch_ms: i64, zone: Tz) -> Moment {
        Moment {
            machine: format::machine_time(epoch_ms),
            full: format::timestamp_full(epoch_ms, zone),
            short: format::timestamp(epoch_ms, zone),
            ago: format::ago(self.lang, epoch_ms, self.now_ms),
        }
    }
}

/// A moment in every form a page shows it in.
#[derive(Clone, Debug, Default)]
pub struct Moment {
    /// For the `datetime` attribute.
    pub machine: String,
    /// With the offset, for the tool tip.
    pub full: String,
    /// Date and time to the second.
    pub short: String,
    /// How long ago.
    pub ago: String,
}

/// Where a person of this role begins.
pub(super) const fn home_of(role: Role) -> &'static str {
    if role.may(Permission::Look) {
        "/admin/home"
    } else {
        PORTAL
    }
}

/// Where those who use the gateway begin.
pub(super) const PORTAL: &str = "/user/dashboard";

/// What the account says; without an account what was chosen in this browser, or else the browser's own. Nothing where
/// the house's holds.
fn zone_of(request: &HttpRequest, user: Option<&CurrentUser>) -> Option<Tz> {
    if let Some(user) = user {
        return user.time_zone.as_deref()?.parse().ok();
    }
    let cookies = [ZONE_COOKIE, BROWSER_ZONE_COOKIE].into_iter();
    let mut zones = cookies.filter_map(|name| request.cookie(name));
    zones.find_map(|cookie| cookie.value().parse().ok())
}

const ICONS: &str = "vendor/tabler-icons-3.51.0/icons.svg";

/// Cookie first (what the person chose here), then the account, then what the house says or the browser prefers:
/// the first of them that is offered.
fn language(request: &HttpRequest, user: Option<&CurrentUser>, site: &Site) -> Lang {
    let offered = |lang: &Lang| site.languages.contains(lang);
    let cookie = request.cookie(LANG_COOKIE);
    cookie
        .and_then(|cookie| Lang::parse(cookie.value()))
        .filter(offered)
        .or_else(|| user.and_then(|u| u.locale.as_deref().and_then(Lang::parse)))
        .filter(offered)
        .or(site.language)
        .filter(offered)
        .or_else(|| {
            let header = request.headers().get(ACCEPT_LANGUAGE)?.to_str().ok()?;
            Lang::from_accept_language(header, &site.languages)
        })
        .or_else(|| site.languages.first().copied())
        .unwrap_or_default()
}

fn theme(request: &HttpRequest, user: Option<&CurrentUser>, site: &Site) -> Theme {
    let cookie = request.cookie(THEME_COOKIE);
    cookie
        .and_then(|cookie| Theme::parse(cookie.value()))
        .or_else(|| user.and_then(|u| u.theme.as_deref().and_then(Theme::parse)))
        .or_else(|| Theme::parse(&site.theme))
        .unwrap_or_default()
}

#[cfg(test)]
impl Shell {
    /// A frame for render tests: an administrator at a fixed time.
    pub(super) fn sample(lang: Lang) -> Self {
        Self {
            lang,
            theme: Theme::System,
            user: Some(CurrentUser::sample()),
            key: None,
            csrf: "token".to_owned(),
            request_id: "req_0000000000001".to_owned(),
            here: "/admin/home?range=today".to_owned(),
            toast: None,
            now_ms: 1_795_214_489_000,
            zone: chrono_tz::Asia::Shanghai,
            business: chrono_tz::Asia::Shanghai,
            partial: false,
            target: String::new(),
            base_path: "/base".to_owned(),
            site: Site::default(),
            icp_number: None,
            journal_full: None,
            waiting: Waiting::default(),
        }
    }
}

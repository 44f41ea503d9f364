//! Build script: embeds `static/` (plain, gzip and brotli, with a content hash) and `locales/` into the binary.
//!
//! What it writes names no folder of the machine, so that checkouts may share a target directory.
#![allow(
    clippy::disallowed_methods,
    clippy::unnecessary_debug_formatting,
    reason = "cargo speaks to a build script through the environment, and the form of Debug is that of a Rust literal"
)]

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

use sha2::{Digest, Sha256};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=static");
    println!("cargo::rerun-if-changed=locales");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?);
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    fs::create_dir_all(out.join("packed"))?;
    embed_static(&root.join("static"), &out)?;
    embed_locales(&root.join("locales"), &out)
}

/// Writes `static_files.rs`: one sorted table of `File` values.
fn embed_static(root: &Path, out: &Path) -> io::Result<()> {
    let mut table = String::from("pub(super) static FILES: &[File] = &[\n");
    for path in files_below(root)? {
        let name = slashed(path.strip_prefix(root).map_err(io::Error::other)?);
        let Some(content_type) = content_type(&name) else {
            continue;
        };
        let plain = fs::read(&path)?;
        let mut hash = String::new();
        for byte in Sha256::digest(&plain).iter().take(8) {
            write!(hash, "{byte:02x}").map_err(io::Error::other)?;
        }
        let gzip = packed(out, &hash, "gz", &plain, gzip)?;
        let brotli = packed(out, &hash, "br", &plain, brotli)?;
        writeln!(
            table,
            "    File {{ path: {name:?}, hash: {hash:?}, content_type: {content_type:?}, plain: include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/static/\", {name:?})), gzip: {gzip}, brotli: {brotli} }},",
        )
        .map_err(io::Error::other)?;
    }
    table.push_str("];\n");
    fs::write(out.join("static_files.rs"), table)
}

/// The table's entry for one compressed form: absent where it does not pay. Kept between builds by content.
fn packed(
    out: &Path,
    hash: &str,
    suffix: &str,
    plain: &[u8],
    pack: fn(&[u8]) -> io::Result<Vec<u8>>,
) -> io::Result<String> {
    let name = format!("packed/{hash}.{suffix}");
    let path = out.join(&name);
    if !path.exists() {
        fs::write(&path, pack(plain)?)?;
    }
    let size = usize::try_from(fs::metadata(&path)?.len()).map_err(io::Error::other)?;
    Ok(if size < plain.len() {
        format!("Some(include_bytes!(concat!(env!(\"OUT_DIR\"), \"/\", {name:?})))")
    } else {
        "None".to_owned()
    })
}

fn gzip(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain)?;
    encoder.finish()
}

fn brotli(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = Vec::new();
    let params = brotli::enc::BrotliEncoderParams {
        quality: 11,
        ..Default::default()
    };
    brotli::BrotliCompress(&mut &*plain, &mut packed, &params)?;
    Ok(packed)
}

/// Files that browsers are given; licences and checksums stay in the source tree.
fn content_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        _ => return None,
    })
}

/// Writes `locales.rs`: for each language, its name and the text of all its files.
fn embed_locales(root: &Path, out: &Path) -> io::Result<()> {
    let mut table = String::from("static SOURCES: &[(&str, &[(&str, &str)])] = &[\n");
    let mut languages: Vec<PathBuf> = fs::read_dir(root)?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<io::Result<_>>()?;
    languages.sort();
    for language in languages.iter().filter(|path| path.is_dir()) {
        let name = slashed(language.strip_prefix(root).map_err(io::Error::other)?);
        writeln!(table, "    ({name:?}, &[").map_err(io::Error::other)?;
        for file in files_below(language)? {
            let short = slashed(file.strip_prefix(language).map_err(io::Error::other)?);
            writeln!(table, "        ({short:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/locales/{name}/\", {short:?}))),")
                .map_err(io::Error::other)?;
        }
        table.push_str("    ]),\n");
    }
    table.push_str("];\n");
    fs::write(out.join("locales.rs"), table)
}

fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files_below(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

//! The list of providers, and the form that adds one.

use actix_web::web;
use askama::Template;
use modelgate_domain::{
    CredentialState, LimitKind, LimitScope, Protocol, ProviderId, Secret, naming,
};
use modelgate_store::providers::{Provider, ProviderData};
use modelgate_store::{Conn, changes, limits, models, provider_keys, providers, targets};
use serde::Deserialize;
use serde_json::json;

use super::components::fields::{Dot, Fields, Refused, change, save};
use crate::i18n::Lang;
use crate::secrets::Keyring;
use crate::vendors::{self, Vendor};
use crate::web::encode_query;
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::form::{Form, FormState};
use crate::web::page::{Look, Page, PageResult, Secrets};
use crate::web::routes::Routes;
use crate::web::shell::Shell;
use crate::web::state::WebState;

pub(super) const PATH: &str = "/admin/config/providers";

#[derive(Template)]
#[template(path = "admin/providers.html")]
struct ProvidersView<'a> {
    page: &'a Shell,
    rows: Vec<Row>,
}

struct Row {
    href: String,
    name: String,
    display_name: String,
    base_url: String,
    state: Dot,
    keys: usize,
    models: usize,
}

#[derive(Template)]
#[template(path = "admin/provider_new.html")]
struct NewView<'a> {
    page: &'a Shell,
    state: FormState,
    at: String,
    q: String,
    vendors: Vec<VendorLink>,
    vendor: Option<VendorView>,
    as_of: &'static str,
    protocols: Vec<(String, String)>,
}

/// A vendor to choose.
pub(super) struct VendorLink {
    pub(super) href: String,
    pub(super) name: &'static str,
    pub(super) is_current: bool,
}

/// The vendor that was chosen.
struct VendorView {
    name: &'static str,
    note: &'static str,
    key_page: &'static str,
}

/// What an address of the form may ask for.
#[derive(Debug, Default, Deserialize)]
struct NewQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    vendor: String,
    #[serde(default)]
    then: String,
}

/// The vendors that a text finds, as links to the form.
pub(super) fn vendor_links(page: &Shell, q: &str, then: &str) -> Vec<VendorLink> {
    let found = vendors::all().iter().filter(|vendor| vendor.matches(q));
    found
        .map(|vendor| VendorLink {
            href: page.url(&format!(
                "{PATH}/new?vendor={}&then={}",
                vendor.id,
                encode_query(then)
            )),
            name: name_of(page, vendor),
            is_current: false,
        })
        .collect()
}

fn name_of(page: &Shell, vendor: &'static Vendor) -> &'static str {
    match page.lang {
        Lang::Zh => &vendor.name_zh,
        Lang::En => &vendor.name_en,
    }
}

/// Where a form leads once it is done: on with the first steps where it was part of them.
pub(super) fn after(form: &Form, usual: &str) -> String {
    if form.text("then") == "start" {
        super::start::PATH.to_owned()
    } else {
        usual.to_owned()
    }
}

/// The protocols to choose from, with what they are called.
pub(super) fn protocol_choices(page: &Shell) -> Vec<(String, String)> {
    let named = |protocol: &Protocol| {
        let text = page.t_code("admin-provider-protocol-", protocol.as_str());
        (protocol.to_string(), text)
    };
    Protocol::ALL.iter().map(named).collect()
}

/// The protocol of a form; `usual` where the form has none.
pub(super) fn read_protocol(fields: &mut Fields<'_>, usual: &str) -> String {
    let known = |text: &str| {
        let known = text.is_empty() || text.parse::<Protocol>().is_ok();
        known.then_some(()).ok_or(())
    };
    let chosen = fields.text("protocol", known, "admin-provider-bad-protocol");
    if chosen.is_empty() {
        return usual.to_owned();
    }
    chosen
}

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .get("/admin/config", entrance)
        .get(PATH, get)
        .post(PATH, post)
        .get("/admin/config/providers/new", new);
}

async fn entrance(page: Page<Look>) -> PageResult {
    Ok(page.redirect(PATH))
}

async fn get(page: Page<Look>, state: web::Data<WebState>) -> PageResult {
    let now_ms = state.clock.now_ms();
    let (all, keys, targets) = state
        .db
        .read(|c| {
            Box::pin(async move {
                let all = providers::list(c).await?;
                let keys = provider_keys::list(c).await?;
                Ok::<_, PageError>((all, keys, targets::list(c).await?))
            })
        })
        .await?;
    let rows = all
        .into_iter()
        .map(|provider| {
            let own = keys.iter().filter(|k| k.provider_id == provider.id);
            let usable = own.clone().filter(|k| is_usable(k, now_ms)).count();
            Row {
                href: page.url(&format!("{PATH}/{}", provider.id)),
                state: state_of(&page, &provider, usable, own.clone().count()),
                keys: own.count(),
                models: targets
                    .iter()
                    .filter(|t| t.provider_id == provider.id)
                    .count(),
                name: provider.name,
                display_name: provider.display_name,
                base_url: provider.base_url,
            }
        })
        .collect();
    page.show(&ProvidersView { page: &page, rows })
}

/// Whether calls may be made with a key just now.
pub(super) fn is_usable(key: &provider_keys::ProviderKey, now_ms: i64) -> bool {
    match key.state {
        CredentialState::Active => key.weight > 0,
        CredentialState::Cooldown => key.state_until_ms.is_some_and(|until| until <= now_ms),
        _ => false,
    }
}

fn state_of(page: &Shell, provider: &Provider, usable: usize, all: usize) -> Dot {
    if !provider.enabled {
        return Dot::new("muted", page.t("admin-providers-off"));
    }
    match usable {
        0 => Dot::new("danger", page.t("admin-providers-no-key")),
        _ if usable == all => Dot::new("success", page.t("admin-providers-ready")),
        _ => {
            let counts: [(&str, &dyn crate::i18n::ToArg); 2] = [("usable", &usable), ("all", &all)];
            Dot::new("warning", page.t_with("admin-providers-some-keys", &counts))
        }
    }
}

async fn new(page: Page<Secrets>, query: web::Query<NewQuery>) -> PageResult {
    let mut state = FormState::default()
        .with("label", "main")
        .with("then", query.then.as_str());
    if let Some(vendor) = vendors::find(&query.vendor) {
        state = state
            .with("name", vendor.id.as_str())
            .with("protocol", vendor.protocol.as_str())
            .with("base_url", vendor.base_url.as_str())
            .with("template", vendor.id.as_str());
    }
    page.show(&new_view(&page, state, &query.q))
}

fn new_view<'a>(page: &'a Shell, state: FormState, q: &str) -> NewView<'a> {
    let vendor = vendors::find(state.value("template"));
    let mut links = vendor_links(page, q, state.value("then"));
    if let Some(name) = vendor.map(|vendor| name_of(page, vendor)) {
        for link in &mut links {
            link.is_current = link.name == name;
        }
    }
    NewView {
        page,
        at: page.url(&format!("{PATH}/new")),
        q: q.chars().take(100).collect(),
        vendors: links,
        vendor: vendor.map(|vendor| VendorView {
            name: name_of(page, vendor),
            note: match page.lang {
                Lang::Zh => &vendor.note_zh,
                Lang::En => &vendor.note_en,
            },
            key_page: &vendor.key_page,
        }),
        as_of: vendors::as_of(),
        state,
        protocols: protocol_choices(page),
    }
}

async fn post(page: Page<Secrets>, state: web::Data<WebState>, form: Form) -> PageResult {
    let again = |mut form_state: FormState| {
        if !form.text("secret").is_empty() {
            form_state.fail("secret", page.t("admin-provider-key-again"));
        }
        let view = new_view(&page, form_state, "");
        page.invalid_or(&view, &view)
    };
    let (data, label, secret) = match read(&page, &form) {
        Ok(fields) => fields,
        Err(form_state) => return again(form_state),
    };
    let told = json!({ "protocol": data.protocol, "base_url": data.base_url, "template": data.template, "key": label });
    let entry = change(
        &page,
        &state,
        "provider.create",
        format!("provider {}", data.name),
        Some(told),
    );
    let keyring = std::sync::Arc::clone(&state.keyring);
    let (name, now) = (data.name.clone(), entry.at);
    let made = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            if prefix_in_use(c, &data.name).await? {
                return Err(Refused::Field("name", "admin-provider-prefix-taken"));
            }
            let id = providers::insert(c, &data, now).await?;
            if let Some(secret) = secret {
                let key = NewKey {
                    label,
                    weight: naming::WEIGHT,
                    max_concurrency: None,
                    secret,
                };
                add_key(c, &keyring, id, &key, now).await?;
            }
            changes::record(c, &entry).await?;
            Ok(id)
        })
    })
    .await?;
    match made {
        Ok(id) => {
            let toast = Toast::success(page.t1("admin-provider-created", "name", &name));
            page.redirect_with(&after(&form, &format!("{PATH}/{id}")), &toast)
        }
        Err(form_state) => again(form_state),
    }
}

/// Whether a model or alias begins with this provider's slug and a slash.
pub(super) async fn prefix_in_use(c: &mut Conn, slug: &str) -> Result<bool, PageError> {
    let (all, aliases) = (models::list(c).await?, models::aliases(c).await?);
    let mut names = all
        .iter()
        .map(|m| &m.name)
        .chain(aliases.iter().map(|a| &a.alias));
    Ok(names.any(|name| naming::taken_prefix(name, std::iter::once(slug)).is_some()))
}

fn read(page: &Shell, form: &Form) -> Result<(ProviderData, String, Option<Secret>), FormState> {
    let mut fields = Fields::new(page, form);
    let name = fields.text("name", naming::provider, "admin-provider-bad-name");
    let check_url = |text: &str| naming::base_url(text).map(|_url| ());
    let base_url = fields.text("base_url", check_url, "admin-provider-bad-url");
    let protocol = read_protocol(&mut fields, Protocol::default().as_str());
    let label = fields.text("label", naming::label, "admin-provider-bad-label");
    let secret = form.secret("secret");
    let secret = (!secret.expose().is_empty()).then_some(secret);
    if secret.as_ref().is_some_and(|s| !is_vendor_key(s)) {
        fields.fail("secret", "admin-provider-bad-secret");
    }
    let vendor = vendors::find(form.text("template"));
    if base_url.contains(vendors::BLANK) {
        fields.fail("base_url", "admin-provider-blank-url");
    }
    let data = ProviderData {
        name,
        display_name: vendor.map_or_else(String::new, |v| v.name_en.clone()),
        template: vendor.map_or_else(String::new, |v| v.id.clone()),
        protocol,
        base_url: base_url.trim_end_matches('/').to_owned(),
        user_agent: None,
        connect_timeout_ms: naming::CONNECT_TIMEOUT_MS,
        first_byte_timeout_ms: naming::FIRST_BYTE_TIMEOUT_MS,
        idle_timeout_ms: naming::IDLE_TIMEOUT_MS,
        enabled: true,
    };
    fields.finish((data, label, secret))
}

/// Whether a text can be a vendor's key, which has to fit a header.
pub(super) fn is_vendor_key(secret: &Secret) -> bool {
    let text = secret.expose();
    !text.is_empty() && text.len() <= 4096 && text.bytes().all(|b| b.is_ascii_graphic())
}

/// A credential to be kept.
pub(super) struct NewKey {
    pub(super) label: String,
    pub(super) weight: i64,
    pub(super) max_concurrency: Option<i64>,
    pub(super) secret: Secret,
}

/// Keeps a credential, sealed to its own row.
pub(super) async fn add_key(
    c: &mut Conn,
    keyring: &Keyring,
    provider: ProviderId,
    key: &NewKey,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), PageError> {
    let id = provider_keys::insert(c, provider, &key.label, key.weight, now).await?;
    let sealed = keyring
        .seal("provider_keys", id.0, &key.secret)
        .map_err(PageError::internal)?;
    provider_keys::set_secret(c, id, &sealed, &key.secret.last4(), now).await?;
    limits::set(
        c,
        LimitScope::ProviderKey,
        id.0,
        LimitKind::Concurrency,
        key.max_concurrency,
    )
    .await?;
    Ok(())
}

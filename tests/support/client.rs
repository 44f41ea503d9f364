//! What tests call the gateway with: a bare OpenAI-dialect client and a browser without a screen.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{Method, RequestBuilder, Response, header};
use scraper::{Html, Selector};
use serde_json::Value;

fn http(builder: reqwest::ClientBuilder) -> reqwest::Client {
    // TLS is not spoken here, but the client wants to know how it would be
    let _already = rustls::crypto::ring::default_provider().install_default();
    builder
        .no_proxy()
        .timeout(Duration::from_mins(1))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("an HTTP client")
}

/// Calls `/v1` with one API key.
#[derive(Clone)]
pub struct OpenAi {
    base: String,
    key: String,
    http: reqwest::Client,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: header::HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub async fn of(response: Response) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await.expect("a whole body"),
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).expect("UTF-8")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    /// A header's text, empty where it is missing.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |v| v.to_str().expect("a header in ASCII"))
    }

    /// The `data:` of each event, `[DONE]` included.
    pub fn data(&self) -> Vec<String> {
        let text = self.text();
        let lines = text.lines().filter_map(|l| l.strip_prefix("data: "));
        lines.map(str::to_owned).collect()
    }

    /// The events that are JSON.
    pub fn events(&self) -> Vec<Value> {
        let data = self.data().into_iter().filter(|d| d != "[DONE]");
        data.map(|d| serde_json::from_str(&d).unwrap_or_else(|e| panic!("{e}: {d}")))
            .collect()
    }

    /// The text of a chat answer, whole or streamed.
    pub fn content(&self) -> String {
        if self.header("content-type").starts_with("text/event-stream") {
            let events = self.events();
            let pieces = events
                .iter()
                .filter_map(|e| e.pointer("/choices/0/delta/content")?.as_str());
            return pieces.collect();
        }
        let json = self.json();
        json["choices"][0]["message"]["content"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

impl OpenAi {
    pub fn new(base: &str, key: &str) -> Self {
        Self {
            base: base.to_owned(),
            key: key.to_owned(),
            http: http(reqwest::Client::builder()),
        }
    }

    /// A request to be altered and sent by the test; the path begins behind `/v1`.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}/v1{path}", self.base));
        request.bearer_auth(&self.key)
    }

    /// Sends JSON and returns as soon as the headers are there.
    pub async fn send(&self, path: &str, body: &Value) -> Response {
        let request = self.request(Method::POST, path);
        request
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.to_string())
            .send()
            .await
            .expect("an answer")
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.send(path, body).await).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        let response = self.request(Method::GET, path).send().await;
        Answer::of(response.expect("an answer")).await
    }

    /// A chat of one sentence, whole or streamed.
    pub async fn chat(&self, model: &str, stream: bool) -> Answer {
        self.post("/chat/completions", &chat(model, stream)).await
    }
}

/// The body of a chat of one sentence.
pub fn chat(model: &str, stream: bool) -> Value {
    serde_json::json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "hello"}]})
}

/// Keeps cookies, follows nothing, fills in forms.
#[derive(Clone)]
pub struct Browser {
    base: String,
    http: reqwest::Client,
    /// Sent with everything, as a browser would.
    language: String,
    cookies: std::sync::Arc<std::sync::Mutex<std::collections::BTreeMap<String, String>>>,
}

impl Browser {
    pub fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            http: http(reqwest::Client::builder()),
            language: "en".to_owned(),
            cookies: std::sync::Arc::default(),
        }
    }

    /// Asks for pages in this language.
    #[must_use]
    pub fn speaking(mut self, language: &str) -> Self {
        language.clone_into(&mut self.language);
        self
    }

    /// The value of a cookie it holds.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().expect("no panic").get(name).cloned()
    }

    pub fn forget_cookies(&self) {
        self.cookies.lock().expect("no panic").clear();
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let cookies = self.cookies.lock().expect("no panic");
        let pairs: Vec<String> = cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        request = request.header(header::ACCEPT_LANGUAGE, &self.language);
        if !pairs.is_empty() {
            request = request.header(header::COOKIE, pairs.join("; "));
        }
        request
    }

    /// Sends a request made by [`Browser::request`] and keeps the cookies of its answer.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.expect("an answer");
        for value in response.headers().get_all(header::SET_COOKIE) {
            let text = value.to_str().expect("a cookie in ASCII");
            let (pair, attributes) = text.split_once(';').unwrap_or((text, ""));
            let (name, value) = pair.split_once('=').expect("a cookie with a value");
            let mut cookies = self.cookies.lock().expect("no panic");
            if value.is_empty() || attributes.to_ascii_lowercase().contains("max-age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Answer::of(response).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// A GET as htmx sends it.
    pub async fn get_htmx(&self, path: &str) -> Answer {
        let request = self.request(Method::GET, path).header("hx-request", "true");
        self.send(request).await
    }

    /// Opens `page`, takes the token from its form, and posts `fields` to `action`.
    pub async fn submit(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.token(page).await;
        self.post(action, fields, Some(&token), false).await
    }

    /// The CSRF token that the forms of a page carry.
    pub async fn token(&self, page: &str) -> String {
        let answer = self.get(page).await;
        let html = Html::parse_document(&answer.text());
        let field = Selector::parse("input[name=csrf]").expect("a selector");
        let field = html
            .select(&field)
            .next()
            .and_then(|f| f.value().attr("value"));
        let Some(token) = field else {
            panic!("no form token on {page} ({})", answer.status);
        };
        token.to_owned()
    }

    /// Posts the fields of a form that a page showed, which have the token among them.
    pub async fn send_form(&self, action: &str, fields: &[(String, String)]) -> Answer {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (&**n, &**v)).collect();
        self.post(action, &fields, None, false).await
    }

    /// Posts a form, with or without the token, as a page or as htmx does.
    pub async fn post(
        &self,
        action: &str,
        fields: &[(&str, &str)],
        token: Option<&str>,
        htmx: bool,
    ) -> Answer {
        let mut pairs: Vec<(&str, &str)> = fields.to_vec();
        pairs.extend(token.map(|t| ("csrf", t)));
        let body = serde_urlencoded::to_string(&pairs).expect("a form");
        let mut request = self
            .request(Method::POST, action)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ORIGIN, &self.base)
            .body(body);
        if htmx {
            request = request.header("hx-request", "true");
        }
        self.send(request).await
    }
}

/// The fields of a form of a page as a browser would send them: the form that posts to `action` and, where several do,
/// has the field `mark`.
pub fn form_fields(html: &str, action: &str, mark: Option<(&str, &str)>) -> Vec<(String, String)> {
    let html = Html::parse_document(html);
    let forms = Selector::parse("form[method=post]").expect("a selector");
    let own = html.select(&forms);
    let own = own.filter(|form| form.value().attr("action") == Some(action));
    let mut all = own.map(sent);
    let found = all.find(|fields| {
        mark.is_none_or(|(name, value)| fields.iter().any(|(n, v)| n == name && v == value))
    });
    found.unwrap_or_else(|| panic!("no form for {action} {mark:?} in {}", html.html()))
}

/// What a browser sends of a form that is sent by no button.
fn sent(form: scraper::ElementRef<'_>) -> Vec<(String, String)> {
    let fields = Selector::parse("input, select, textarea").expect("a selector");
    let options = Selector::parse("option").expect("a selector");
    let mut out = Vec::new();
    for field in form.select(&fields) {
        let attr = |name: &str| field.value().attr(name);
        let Some(name) = attr("name") else { continue };
        let value = match (field.value().name(), attr("type").unwrap_or("text")) {
            ("input", "checkbox" | "radio") if attr("checked").is_none() => continue,
            ("input", "submit" | "file") => continue,
            ("select", _) => {
                let mut all = field.select(&options);
                let chosen = all.clone().find(|o| o.value().attr("selected").is_some());
                let chosen = chosen.or_else(|| all.next());
                let value = chosen.and_then(|o| o.value().attr("value"));
                value.unwrap_or_default().to_owned()
            }
            ("textarea", _) => field.text().collect(),
            _ => attr("value").unwrap_or_default().to_owned(),
        };
        out.push((name.to_owned(), value));
    }
    out
}

/// Opens the stream of a page.
pub async fn watch(browser: &Browser, path: &str) -> Response {
    let request = browser.request(Method::GET, path);
    let request = request.header(header::ACCEPT, "text/event-stream");
    request.send().await.expect("a stream")
}

/// Reads on until the text stands in it.
pub async fn until(stream: &mut Response, text: &str) -> String {
    let mut seen = String::new();
    let reading = async {
        while !seen.contains(text) {
            let chunk = stream.chunk().await.expect("a stream that goes on");
            let chunk = chunk.unwrap_or_else(|| panic!("{text:?} never came in {seen}"));
            seen.push_str(&String::from_utf8_lossy(&chunk));
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(20), reading).await;
    assert!(in_time.is_ok(), "{text:?} did not come");
    seen
}

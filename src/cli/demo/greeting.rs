//! What the demo prints: where to look, how to log in, and two lines that work as they stand.

use super::prepare::{ADMIN, Secrets};

/// The text, shown once the server answers.
pub(super) fn greeting(port: u16, rows: usize, secrets: &Secrets) -> String {
    let base = format!("http://localhost:{port}");
    let (password, key) = (secrets.password.expose(), secrets.guest.expose());
    format!(
        r#"
ModelGate demo: {rows} made-up calls of thirty days, and a few more every minute.
Everything is thrown away when you press Ctrl-C.

  Admin     {base}/admin
  Login     {ADMIN} / {password}
  API key   {key}

Stream an answer:

  curl -N {base}/v1/chat/completions -H "Authorization: Bearer {key}" -H "Content-Type: application/json" -d '{{"model": "atlas-mini", "stream": true, "messages": [{{"role": "user", "content": "Hello"}}]}}'

The same from Python (pip install openai):

  python3 -c 'from openai import OpenAI; print(OpenAI(base_url="{base}/v1", api_key="{key}").chat.completions.create(model="atlas-mini", messages=[{{"role": "user", "content": "Hello"}}]).choices[0].message.content)'
"#
    )
}

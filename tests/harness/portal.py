"""A person at the portal, without a browser: cookies, forms and their tokens."""

import html
import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request

HIDDEN = re.compile(r'<input type="hidden" name="csrf" value="([^"]*)"')


class Portal:
    """Keeps cookies and remembers every answer, for those who want to search them."""

    def __init__(self, url: str):
        self.url = url
        self.seen: list[str] = []
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def _send(self, request):
        try:
            with self.opener.open(request, timeout=20) as answer:
                status, head, text = answer.status, str(answer.headers), answer.read().decode()
        except urllib.error.HTTPError as error:
            status, head, text = error.code, str(error.headers), error.read().decode()
        self.seen.append(head + text)
        return status, text

    def get(self, path: str):
        """Status and text of a page."""
        return self._send(urllib.request.Request(self.url + path))

    def post(self, page: str, action: str, **fields):
        """Sends a form of `page` to `action`, with the page's token."""
        token = HIDDEN.search(self.get(page)[1])
        body = urllib.parse.urlencode({"csrf": html.unescape(token.group(1)) if token else "", **fields}).encode()
        headers = {"Origin": self.url, "Sec-Fetch-Site": "same-origin"}
        return self._send(urllib.request.Request(self.url + action, body, headers))

    def log_in(self, username: str, password: str):
        """Status and text of the page that follows."""
        return self.post("/login", "/login", username=username, password=password, to="")

    def links(self, path: str, below: str) -> list[str]:
        """Addresses on a page that begin with `below`."""
        found = re.findall(r'href="([^"#]+)"', self.get(path)[1])
        return sorted({html.unescape(link) for link in found if link.startswith(below)})

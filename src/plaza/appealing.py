"""How a persona of the generator appeals: it opens the link and fills in the form, like anybody."""

from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

import urllib3


class _Form(HTMLParser):
    """Finds the form that has a field for words, with everything that must go with it."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.words = ""
        self.fields: dict[str, str] = {}
        self._done = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if self._done:
            return
        if tag == "form":
            self.action, self.fields = given.get("action", ""), {}
        elif tag == "input" and given.get("type") == "hidden":
            self.fields[given.get("name", "")] = given.get("value", "")
        elif tag == "textarea" and not self.words:
            self.words = given.get("name", "")

    def handle_endtag(self, tag: str) -> None:
        self._done = self._done or (tag == "form" and bool(self.words))


def appeal(url: str, text: str) -> bool:
    """Open an appeal link and send `text`; says whether it was taken.

    Returns False when the page cannot be reached or has no form, such as after another appeal.
    """
    parts = urlsplit(url)
    origin = {"origin": f"{parts.scheme}://{parts.netloc}"}
    http = urllib3.PoolManager(timeout=urllib3.Timeout(5.0), retries=False)
    try:
        page = http.request("GET", url)
        form = _Form()
        form.feed(page.data.decode("utf-8", "replace"))
        if page.status != 200 or not form.words:
            return False
        cookie = "; ".join(c.partition(";")[0] for c in page.headers.getlist("set-cookie"))
        headers = origin | ({"cookie": cookie} if cookie else {})
        target = urljoin(url, form.action)
        if urlsplit(target).netloc != parts.netloc:
            return False
        fields = form.fields | {form.words: text}
        headers["content-type"] = "application/x-www-form-urlencoded"
        answer = http.request("POST", target, body=urlencode(fields), headers=headers,
                              redirect=False)  # fmt: skip
    except urllib3.exceptions.HTTPError:
        return False
    return answer.status < 400

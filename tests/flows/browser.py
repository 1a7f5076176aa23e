"""A browser without a screen: cookies, links and forms, over HTTP alone."""

from http.cookiejar import CookieJar
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener

from tests.flows.page import Form, Page
from tests.flows.wire import Answer, StayHere, send

FORM = {"content-type": "application/x-www-form-urlencoded"}


class Browser:
    """One person's browser. It fills in forms as they stand on the page, and refuses fields they do not have."""

    def __init__(self, *, home: str) -> None:
        self.home = home
        cookies = HTTPCookieProcessor(CookieJar())
        self._opener = build_opener(ProxyHandler({}), cookies)
        self._staying_opener = build_opener(ProxyHandler({}), cookies, StayHere())

    def open(self, path: str) -> Page:
        """Open a page of the product, or any other by its whole address."""
        return _page(send("GET", urljoin(self.home, path), headers={"accept": "text/html"}, opener=self._opener))

    def follow(self, page: Page, link: str) -> Page:
        """Click on a link."""
        return self.open(urljoin(page.url, page.link(link)))

    def press(self, page: Page, button: str, **typed: str) -> Page:
        """Fill in the form that has this button, press it, and go where it leads."""
        return _page(self._submit(page, button, typed, stay=False))

    def press_and_leave(self, page: Page, button: str, **typed: str) -> str:
        """Press a button, but close the browser before the next page opens. Returns where it would have led."""
        answer = self._submit(page, button, typed, stay=True)
        assert answer.status in (302, 303), f"{button!r} led nowhere: {answer.status} {answer.body[:1000]!r}"
        return str(answer.headers["location"])

    def _submit(self, page: Page, button: str, typed: dict[str, str], *, stay: bool) -> Answer:
        form = page.form_with(button)
        unknown = typed.keys() - form.fields.keys()
        assert not unknown, f"the form of {button!r} has no {unknown}, only {form.fields.keys()}"
        fields = {**form.fields, **typed, **_pressed(form, button)}
        target = urljoin(page.url, form.action)
        opener = self._staying_opener if stay else self._opener
        if form.method == "get":
            return send("GET", f"{target}?{urlencode(fields)}", opener=opener)
        return send("POST", target, body=urlencode(fields).encode(), headers=FORM, opener=opener)


def _pressed(form: Form, button: str) -> dict[str, str]:
    name, value = form.buttons[button]
    return {name: value} if name else {}


def _page(answer: Answer) -> Page:
    return Page(url=answer.url, status=answer.status, html=answer.body.decode())

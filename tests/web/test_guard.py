"""No other page and no other user of the machine gets in."""

from __future__ import annotations

import html
import json
import re
import socket
from contextlib import ExitStack

import httpx
import pytest
from support.plain import NO_TLS
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from app.web.guard import OPEN_PATHS

BEARER = "Bearer the-token-of-the-tests"
COMMAND = {"command": ["target"]}
HTML = {"Accept": "text/html"}


@pytest.fixture
def stranger(site):
    """A client without the token."""
    with httpx.Client(base_url=site.url, verify=NO_TLS) as client:
        yield client


@pytest.mark.asks
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.x", ""]
)
def test_a_foreign_host_is_refused_even_with_the_token(site, problem, host):
    response = site.client.get("/api/v1/runs", headers={"Host": host})
    problem(response, 421)
    response = site.client.post("/api/v1/runs", json=COMMAND, headers={"Host": host})
    problem(response, 421)
    assert site.runs() == []


@pytest.mark.asks
@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:9", "LOCALHOST"])
def test_local_names_are_let_in_whatever_their_port(site, host):
    assert site.client.get("/api/v1/runs", headers={"Host": host}).status_code == 200


def test_a_host_that_the_settings_allow_is_let_in(site_with, problem):
    site = site_with("steady", allowed_hosts=("box.example",))
    assert site.client.get("/api/v1/runs", headers={"Host": "box.example:8642"}).status_code == 200
    problem(site.client.get("/api/v1/runs", headers={"Host": "sub.box.example"}), 421)


@pytest.mark.asks
@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:9", "http://localhost:{port}", "https://{host}"],
)
def test_a_foreign_origin_is_refused_even_with_the_token(site, problem, origin):
    headers = {"Origin": origin.format(port=site.port, host=f"127.0.0.1:{site.port}")}
    problem(site.client.post("/api/v1/runs", json=COMMAND, headers=headers), 403)
    problem(site.client.get("/api/v1/runs", headers=headers), 403)
    assert site.runs() == []


def test_a_stop_from_a_foreign_page_stops_nothing(site, problem):
    run = site.start()
    address = f"/api/v1/runs/{run['id']}/stop"
    problem(site.client.post(address, headers={"Origin": "http://evil.example"}), 403)
    assert site.client.get(f"/api/v1/runs/{run['id']}").json()["state"] in ("starting", "running")


@pytest.mark.asks
def test_the_servers_own_origin_is_let_in(site):
    assert site.client.get("/api/v1/runs", headers={"Origin": site.url}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example", "Authorization": BEARER},
        {"Authorization": "Bearer wrong"},
        {},
    ],
    ids=["foreign origin", "wrong token", "no token"],
)
def test_a_foreign_websocket_is_refused(site, headers):
    run = site.start()
    with pytest.raises(InvalidStatus) as caught, site.stream(run["id"], additional_headers=headers):
        pass
    assert caught.value.response.status_code == 403


def test_a_websocket_with_a_foreign_host_is_refused(site):
    run = site.start()
    here = socket.create_connection(("127.0.0.1", site.port))
    address = f"ws://rebind.example:{site.port}/api/v1/runs/{run['id']}/stream"
    headers = {"Authorization": BEARER, "Origin": f"http://rebind.example:{site.port}"}
    with pytest.raises(InvalidStatus) as caught, connect(address, sock=here, additional_headers=headers):
        pass
    assert caught.value.response.status_code == 403


@pytest.mark.asks
def test_without_the_token_nothing_is_started(site, stranger, problem):
    response = stranger.post("/api/v1/runs", json=COMMAND)
    problem(response, 401)
    assert response.headers["www-authenticate"] == "Bearer"
    assert site.runs() == []


@pytest.mark.asks
@pytest.mark.parametrize("authorization", ["Bearer wrong", "Bearer", "Basic dGVzdA==", "Bearer töken", ""])
def test_a_wrong_token_is_none(stranger, problem, authorization):
    headers = {"Authorization": authorization.encode()}
    problem(stranger.get("/api/v1/runs", headers=headers), 401)


@pytest.mark.asks
def test_every_route_but_health_needs_the_token(site, stranger):
    assert stranger.get("/api/v1/health").json().keys() == {"status", "version"}
    described = site.client.get("/api/v1/openapi.json").json()["paths"]
    assert len(described) >= 8
    for path, methods in described.items():
        for method in methods:
            if path not in OPEN_PATHS:
                assert stranger.request(method, path).status_code == 401, (method, path)
    for path in ("/", "/docs", "/api/v1/openapi.json", "/static/x.js", "/vendor/x.js", "/no/such"):
        assert stranger.get(path).status_code == 401, path


LOOK = "a-token-to-look-with"
LOOKS = {"Authorization": f"Bearer {LOOK}"}


@pytest.fixture
def shared(site_with):
    """A site with a token to look with, a run, and a client with that token."""
    site = site_with("steady", look_token=LOOK)
    with httpx.Client(base_url=site.url, headers=LOOKS, verify=NO_TLS) as looker:
        yield site, site.start()["id"], looker


def test_who_may_look_sees_every_run_in_full(shared):
    site, run, looker = shared
    for path in ("/", f"/runs/{run}", "/history", "/api/v1/runs", f"/api/v1/runs/{run}/summary"):
        assert looker.get(path).status_code == 200, path
    assert "View only" in looker.get("/history").text
    assert "View only" not in site.client.get("/history").text
    with site.stream(run, additional_headers=LOOKS) as viewer:
        assert viewer.recv()


def test_who_may_look_starts_stops_and_changes_nothing_and_sees_no_process(shared, problem):
    site, run, looker = shared
    described = site.client.get("/api/v1/openapi.json").json()["paths"]
    tried = 0
    for path, methods in described.items():
        for method in set(methods) - {"get"}:
            body = problem(looker.request(method, path.replace("{run_id}", run), json=COMMAND), 403)
            assert "may only look" in body["title"]
            tried += 1
    assert tried >= 8
    for path in ("/processes", "/api/v1/processes", "/api/v1/doctor?pid=1"):
        problem(looker.get(path), 403)
    [still] = site.runs()
    assert (still["id"], still["state"]) == (run, "running")


def test_for_who_may_look_the_observer_reads_no_more(shared):
    site, run, _ = shared

    def told(viewer) -> dict:
        while True:
            message = json.loads(viewer.recv(timeout=30))
            if message["type"] == "report":
                return message["data"]["told"]

    looks = {"query": "heap=1", "additional_headers": LOOKS}
    with site.stream(run) as viewer, site.stream(run, **looks) as looker:
        assert looker.recv()
        with site.stream(run, query="heap=1"):
            assert told(viewer) == {"command": "heap", "look": True}
        assert told(viewer) == {"command": "heap", "look": False}


def test_the_look_token_and_codes_to_look_open_sessions_to_look(shared, stranger_of):
    site, *_ = shared
    by_form, by_code = stranger_of(site), stranger_of(site)
    assert by_form.post("/enter", data={"token": LOOK}, headers={"Origin": site.url}).status_code == 303
    code = site.client.post("/api/v1/codes?look=true").json()["code"]
    assert by_code.get(f"/?code={code}").status_code == 303
    for browser in (by_form, by_code):
        assert LOOK not in str(browser.cookies)
        assert browser.get("/api/v1/runs").status_code == 200
        assert browser.post("/api/v1/runs", json=COMMAND).status_code == 403
    # A code of the server's own makes more of it, and one to look no less.
    for look in ("false", "true"):
        code = site.client.post(f"/api/v1/codes?look={look}").json()["code"]
        assert by_code.get(f"/?code={code}").status_code == 303
        assert by_code.post("/api/v1/runs", json=COMMAND).status_code == 201


@pytest.fixture
def stranger_of():
    """Make clients of a site that have no token."""
    with ExitStack() as clients:
        yield lambda site: clients.enter_context(httpx.Client(base_url=site.url, verify=NO_TLS))


@pytest.fixture
def code(site):
    """A new entrance code."""
    return site.client.post("/api/v1/codes").json()["code"]


def test_a_code_gives_a_session_and_leads_to_the_clean_address(site, stranger, code):
    response = stranger.get(f"/?code={code}&a=b%20c", headers=HTML)
    assert response.status_code == 303
    assert response.headers["location"] == "/?a=b+c"
    cookie = response.headers["set-cookie"]
    assert cookie.startswith(f"gilscope-{site.port}=")
    assert "the-token-of-the-tests" not in cookie
    assert code not in cookie
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert stranger.get("/api/v1/runs").status_code == 200
    assert stranger.post("/api/v1/runs", json=COMMAND, headers={"Origin": site.url}).status_code == 201


def test_a_code_works_once(site, stranger, code):
    stranger.get(f"/?code={code}")
    assert httpx.get(f"{site.url}/?code={code}", verify=NO_TLS).status_code == 401


def test_a_code_is_used_up_by_a_browser_that_has_a_session_already(site, stranger, code):
    stranger.get(f"/?code={code}")
    second = site.client.post("/api/v1/codes").json()["code"]
    response = stranger.get(f"/?code={second}")
    assert response.status_code == 303
    assert "set-cookie" not in response.headers
    assert httpx.get(f"{site.url}/?code={second}", verify=NO_TLS).status_code == 401


def test_a_session_that_is_ended_lets_nobody_in(site, stranger, code):
    stranger.get(f"/?code={code}")
    assert stranger.delete("/api/v1/sessions").status_code == 204
    assert stranger.get("/api/v1/runs").status_code == 401
    assert site.client.get("/api/v1/runs").status_code == 200


def test_the_form_lets_in_who_has_the_token(site, stranger):
    form = {"token": "the-token-of-the-tests"}
    response = stranger.post("/enter", data=form, headers={"Origin": site.url})
    assert (response.status_code, response.headers["location"]) == (303, "/")
    assert "the-token-of-the-tests" not in response.headers["set-cookie"]
    assert stranger.get("/api/v1/runs").status_code == 200


def test_the_form_leads_to_the_address_that_was_asked_for_and_to_no_other_host(site, stranger):
    asked = "/runs/abc?window=1-2&select=1.2-1.4"
    page = stranger.get(asked, headers={"Accept": "text/html"})
    assert page.status_code == 401
    assert html.escape(asked) in page.text
    for to, there in ((asked, asked), ("//evil.example/", "/evil.example/"), ("https://evil.example", "/")):
        form = {"token": "the-token-of-the-tests", "to": to}
        response = stranger.post("/enter", data=form, headers={"Origin": site.url})
        assert (response.status_code, response.headers["location"]) == (303, there)
    wrong = stranger.get("/", headers={"Accept": "text/html"})
    assert wrong.status_code == 200, "it is known now"


def test_the_address_of_the_form_leads_to_the_first_page(site, stranger):
    page = stranger.get("/enter", headers={"Accept": "text/html"})
    assert page.status_code == 401
    assert 'name="to" value="/"' in page.text
    stranger.post("/enter", data={"token": "the-token-of-the-tests"}, headers={"Origin": site.url})
    again = stranger.get("/enter")
    assert (again.status_code, again.headers["location"]) == (303, "/")


@pytest.mark.asks
@pytest.mark.parametrize(
    "body", ["token=wrong", "", "token=", "x" * 100_000 + "&token=the-token-of-the-tests"]
)
def test_the_form_lets_in_nobody_else(stranger, body):
    response = stranger.post("/enter", content=body)
    assert response.status_code == 401
    assert "set-cookie" not in response.headers


@pytest.mark.asks
@pytest.mark.parametrize("name", ["gilscope-1", "gilscope-{port}"])
def test_the_token_is_no_session(stranger, site, name):
    stranger.cookies.set(name.format(port=site.port), "the-token-of-the-tests")
    assert stranger.get("/api/v1/runs").status_code == 401


def test_the_cookies_of_other_servers_of_this_host_do_not_lock_anybody_out(stranger, site, code):
    stranger.get(f"/?code={code}")
    [session] = [cookie.value for cookie in stranger.cookies.jar]
    stranger.cookies.clear()
    jar = f'odd key="a,b"; x={{"y": 1}}; gilscope-{site.port}={session}; (z'
    assert stranger.get("/api/v1/runs", headers={"Cookie": jar}).status_code == 200


def test_the_way_in_leads_to_no_other_host(stranger, site, code):
    response = stranger.get(f"{site.url}//evil.example/%5C?code={code}")
    assert response.status_code == 303
    assert response.headers["location"] == "/evil.example/%5C"


@pytest.mark.asks
def test_a_person_without_a_session_is_told_the_way_in(stranger):
    response = stranger.get("/?code=wrong", headers=HTML)
    assert response.status_code == 401
    assert response.headers["content-type"].startswith("text/html")
    assert "gilscope serve" in response.text
    assert "set-cookie" not in response.headers


@pytest.mark.asks
def test_the_token_in_an_address_opens_nothing(stranger):
    assert stranger.get("/?token=the-token-of-the-tests").status_code == 401


def test_a_code_in_an_address_opens_pages_only(stranger, problem, code):
    problem(stranger.get(f"/api/v1/runs?code={code}"), 401)
    problem(stranger.post(f"/?code={code}"), 401)
    assert stranger.head(f"/?code={code}").status_code == 401
    assert stranger.get(f"/?code={code}").status_code == 303


@pytest.mark.asks
@pytest.mark.parametrize("fetch_site", ["cross-site", "same-site"])
def test_what_another_page_asks_for_is_refused_even_with_the_token(site, problem, fetch_site):
    headers = {"Sec-Fetch-Site": fetch_site, "Sec-Fetch-Mode": "no-cors"}
    problem(site.client.get("/api/v1/runs", headers=headers), 403)
    problem(site.client.get("/static/css/base.css", headers=headers), 403)
    problem(site.client.post("/api/v1/runs", json=COMMAND, headers=headers), 403)
    navigates = {"Sec-Fetch-Site": fetch_site, "Sec-Fetch-Mode": "navigate"}
    problem(site.client.get("/api/v1/runs", headers=navigates), 403)
    assert site.client.get("/", headers=navigates).status_code == 200
    assert site.runs() == []


@pytest.mark.asks
@pytest.mark.parametrize("path", ["/", "/api/v1/health", "/no/such", "/static/css/none.css"])
def test_every_response_keeps_other_pages_out(site, path):
    headers = site.client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers


@pytest.mark.asks
def test_the_nonce_is_the_pages_own_and_new_each_time(site):
    nonces = set()
    for _ in range(2):
        # A stranger: its styles stand in it.
        page = httpx.get(site.url, headers={"Accept": "text/html"}, verify=NO_TLS)
        (nonce,) = set(re.findall(r"'nonce-([\w-]+)'", page.headers["content-security-policy"]))
        assert f'nonce="{nonce}"' in page.text
        nonces.add(nonce)
    assert len(nonces) == 2


@pytest.mark.asks
@pytest.mark.parametrize(
    ("fetch_site", "again"), [("cross-site", True), ("none", False), ("same-origin", False)]
)
def test_a_browser_led_here_by_another_page_asks_once_more(stranger, fetch_site, again):
    response = stranger.get("/", headers=HTML | {"Sec-Fetch-Site": fetch_site, "Sec-Fetch-Mode": "navigate"})
    assert response.status_code == 401
    assert ('http-equiv="refresh"' in response.text) is again

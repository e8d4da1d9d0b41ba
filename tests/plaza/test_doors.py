"""The guarded doors: forms from elsewhere, large bodies, scripts, strange addresses, settings."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3
from plaza_scene import SECRET, Double, Running, Visitor

import plaza as package
from plaza import pages, pictures
from plaza.settings import Settings, SettingsError
from ports import free_port

GOOD = {"OPENHAVEN_URL": "http://127.0.0.1:8700", "OPENHAVEN_KEY": "oh_x",
        "OPENHAVEN_WEBHOOK_SECRET": SECRET}  # fmt: skip


def _raw(plaza: Running, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
    cookie = Visitor(plaza.url).be("v-alex").cookie
    headers |= {"cookie": cookie, "content-type": "application/x-www-form-urlencoded"}
    url = plaza.url + path
    return urllib3.request("POST", url, body=b"text=hello", redirect=False, headers=headers)


def test_a_form_from_another_site_does_nothing(plaza: Running) -> None:
    assert _raw(plaza, "/posts").status == 403
    assert _raw(plaza, "/posts", origin="http://evil.example").status == 403
    assert _raw(plaza, "/posts", origin="null").status == 403
    assert _raw(plaza, "/posts", referer="http://evil.example/x").status == 403
    assert _raw(plaza, "/posts", origin=plaza.url).status == 303
    assert "hello" in Visitor(plaza.url).get("/")


def test_every_page_forbids_scripts_and_frames_and_has_none(plaza: Running, alex: Visitor) -> None:
    alex.send("/posts", text="<script>alert(1)</script> \u202e right to left")
    post = alex.at.split("/")[-1]
    paths = [path.replace("{id}", post) for method, path, _ in pages.ROUTES if method == "GET"]
    paths += ["/people/v-alex", "/messages/g-ben", f"/report?item={post}", "/static/plaza.css"]
    for path in paths:
        answer = urllib3.request("GET", plaza.url + path, headers={"cookie": alex.cookie})
        policy = answer.headers["content-security-policy"]
        assert answer.status in (200, 404), path
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        page = answer.data.decode()
        assert "<script" not in page
        assert " style=" not in page
        assert "onclick" not in page


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(plaza: Running) -> None:
    answer = urllib3.request("POST", f"{plaza.url}/enter", fields={"account": "v-alex"},
                             headers={"origin": plaza.url}, redirect=False)  # fmt: skip
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example", "/\\evil.example",
                                    "javascript:alert(1)", "/x\r\nset-cookie: a=b"])  # fmt: skip
def test_signing_in_never_leads_to_another_site(plaza: Running, wanted: str) -> None:
    fields = {"account": "v-alex", "next": wanted}
    answer = urllib3.request(
        "POST",
        f"{plaza.url}/enter",
        headers={"origin": plaza.url},
        fields=fields,
        redirect=False,
    )
    assert answer.headers["location"] == "/"


def test_what_is_too_much_or_unreadable_gets_a_plain_answer(
    double: Double, plaza: Running, alex: Visitor
) -> None:
    assert "10 MB" in alex.send("/posts", picture=pictures.planted() + bytes(11_000_000))
    assert "too long" in alex.send("/posts", text="x" * 2_001)
    assert "nothing to publish" in alex.send("/posts", text=" \x00\x07 ")
    assert "not a picture" in alex.send("/posts", picture=b"<svg onload=alert(1)>")
    assert alex.post("/report", account="g-ben", category="nonsense", text="x")[0] == 422
    assert alex.post("/people/v-alex/contact", verb="request")[0] == 422
    assert double.media == []
    for path in ("/nothing", "/posts/nothing", "/people/nothing", "/?before=" + "9" * 400):
        assert alex.status(path) in (200, 404)
    assert (
        alex.post("/join", name="x" * 41, age_band="18-plus", country="IE", language="en")[0] == 422
    )
    assert alex.post("/healthz")[0] == 405


def test_nobody_changes_or_deletes_what_others_wrote(plaza: Running, alex: Visitor) -> None:
    alex.send("/posts", text="Mine alone")
    path = alex.at
    ben = Visitor(plaza.url).be("g-ben")
    assert ben.post(f"{path}/edit", text="Now his")[0] == 404
    assert ben.post(f"{path}/delete")[0] == 404
    assert "Mine alone" in Visitor(plaza.url).get(path)


def test_who_is_not_signed_in_is_asked_to_choose_a_persona(plaza: Running) -> None:
    guest = Visitor(plaza.url)
    for path in ("/mine", "/notices", "/messages", "/report?account=g-ben"):
        assert "Who would you like to be?" in guest.get(path)
    assert 'value="/report?account=g-ben"' in guest.get("/report?account=g-ben")


def test_a_new_persona_is_told_to_openhaven(double: Double, plaza: Running) -> None:
    guest = Visitor(plaza.url)
    page = guest.send("/join", name="Nia  New", age_band="16-17", country="BR", language="pt")
    assert "Nia New" in page
    guest.send("/posts", text="Olá")
    event = next(e for e in double.events.values() if e["kind"] == "post.create")
    assert event["account"]["age_band"] == "16-17"
    assert event["item"]["language"] == "pt"


def test_a_report_gets_a_receipt_and_its_end(double: Double, plaza: Running, alex: Visitor) -> None:
    double.mood = "broken"
    page = alex.send("/report", account="g-ben", category="scam", text="He sells air")
    assert "as soon as Openhaven has the report" in page
    double.mood = "fine"
    path = alex.at
    from plaza_scene import until

    until(lambda: "<code>r-1</code>" in alex.get(path))
    page = alex.get(path)
    assert "It has been decided. It was removed." in page
    assert "If you may have been tricked" in page
    assert double.reports == [{"subject": {"account": "g-ben"}, "category": "scam",
                               "text": "He sells air", "reporter": "v-alex"}]  # fmt: skip
    assert Visitor(plaza.url).be("g-ben").status(path) == 404


def test_settings_name_every_wrong_value() -> None:
    assert Settings.load(GOOD).port == 8701
    wrong = {"OPENHAVEN_URL": "ftp://x", "OPENHAVEN_WEBHOOK_SECRET": "whsec_short",
             "PLAZA_PORT": "70000", "PLAZA_GENERATOR": "yes"}  # fmt: skip
    with pytest.raises(SettingsError) as error:
        Settings.load(wrong)
    for name in (*wrong, "OPENHAVEN_KEY"):
        assert name in str(error.value)


def test_a_start_that_cannot_work_says_so(tmp_path: Path, plaza: Running) -> None:
    port = str(plaza.settings.port)
    env = os.environ | GOOD | {"PLAZA_HOME": str(tmp_path / "other"), "PLAZA_PORT": port}
    run = lambda env: subprocess.run([sys.executable, "-m", "plaza"], env=env, text=True,  # noqa: E731
                                     capture_output=True, timeout=300, check=False)  # fmt: skip
    taken = run(env)
    assert taken.returncode == 1
    assert f"port {port}" in taken.stderr
    broken = run(env | {"OPENHAVEN_KEY": "", "PLAZA_PORT": str(free_port())})
    assert broken.returncode == 2
    assert "OPENHAVEN_KEY" in broken.stderr
    assert "Traceback" not in taken.stderr + broken.stderr


def test_law_plaza_knows_only_the_public_interface() -> None:
    for file in Path(package.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            ours = {name for name in names if name.split(".")[0] == "openhaven"}
            assert ours <= {"openhaven.client"}, file

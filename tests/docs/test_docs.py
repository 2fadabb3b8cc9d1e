"""The pages: their commands, example programs, quoted error messages, links and headings."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from helpers.docs_pages import BLOCKS, CONTENTS, DOCS, FENCE, PAGES, PYTHON, ROOT, errors
from xkit_auth.testing import Sandbox


def block_named(page: str, caption: str) -> str:
    """Return the code block of a page with this caption."""
    (body,) = [block.body for block in BLOCKS if block.where.startswith(f"{page}:") and block.caption == caption]
    return body


@pytest.mark.parametrize("name", CONTENTS)
def test_each_package_and_extra_to_install_exists(name):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for extras in re.findall(r"xkit-auth\[([\w,]+)\]", CONTENTS[name]):
        assert set(extras.split(",")) <= set(project["optional-dependencies"])
    ours = {"xkit-auth", *(path.name for path in (ROOT / "plugins").iterdir())}
    for line in re.findall(r"^\$ pip install (.*)$", CONTENTS[name], re.MULTILINE):
        packages = [re.sub(r"\[.*\]", "", word.strip('"')) for word in line.split()]
        assert {each for each in packages if each.startswith("xkit-auth")} <= ours


def test_a_page_that_installs_by_name_links_to_the_install_page():
    naming = [
        name
        for name in CONTENTS
        if re.search(r"^\$ pip install .*xkit-auth[\[-](?!.*\.\./)", CONTENTS[name], re.MULTILINE)
    ]
    naming = [name for name in naming if name != "docs/how-to/install.md"]
    assert len(naming) >= 4
    for name in naming:
        assert re.search(r"\]\((\.\./how-to/)?install\.md\)", CONTENTS[name]) or "plugins/" in CONTENTS[name], name


def test_the_install_page_lists_every_extra_and_plugin():
    page = CONTENTS["docs/how-to/install.md"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for extra in project["optional-dependencies"]:
        assert f"| `{extra}` |" in page, extra
    for plugin in (ROOT / "plugins").glob("xkit-auth-*"):
        assert f"| `{plugin.name}` |" in page, plugin.name


def test_each_plugin_folder_to_install_exists():
    for name, text in {**CONTENTS, "README.md": (ROOT / "README.md").read_text(encoding="utf-8")}.items():
        for folder in re.findall(r"(?<![\w-])plugins/xkit-auth-\w+", text):
            assert (ROOT / folder / "pyproject.toml").is_file(), f"{name}: {folder}"


# Example programs


def run_example_tests(page: str, folder: Path, *files: str) -> None:
    """Write code blocks of a page to files in a folder, and assert that every test in them passes."""
    tests = 0
    for name in files:
        (folder / name).write_text(block_named(page, name), encoding="utf-8")
        tests += block_named(page, name).count("\ndef test_")
    result = run_pytest(folder)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{tests} passed" in result.stdout


def run_pytest(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "--rootdir", str(folder)]
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    unproxied = {**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "PYTHONPATH": path}
    return subprocess.run(
        [*command, str(folder)], cwd=folder, env=unproxied, capture_output=True, text=True, timeout=600, check=False
    )


@pytest.mark.needs_all
def test_a_plugin_made_from_the_template_passes_its_tests(tmp_path):
    commands = re.findall(r"^\$ ((?:cp|cd|mv|sed|find) .*)$", CONTENTS["docs/how-to/write-a-plugin.md"], re.MULTILINE)
    (tmp_path / "xkit-auth").mkdir()
    (tmp_path / "xkit-auth" / "plugins").symlink_to(ROOT / "plugins")
    subprocess.run(["bash", "-euc", "\n".join(commands)], cwd=tmp_path / "xkit-auth", check=True, timeout=600)
    made = tmp_path / "xkit-auth-globex"
    assert not [path for path in made.rglob("*") if "acme" in path.name]
    assert not [path for path in made.rglob("*.*") if "acme" in path.read_text(encoding="utf-8").lower()]
    result = run_pytest(made)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "9 passed" in result.stdout
    shown = run_command(made, "connectors", "globex")
    assert shown.returncode == 0, shown.stderr
    assert "https" not in shown.stderr
    assert shown.stdout.startswith("globex from the plugin globex (xkit-auth-globex)")


def run_command(plugin: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as if this plugin was installed, and click and rich were not."""
    project = tomllib.loads((plugin / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    metadata = plugin / f"{project['name'].replace('-', '_')}-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1\n")
    lines = [f"{name} = {value}" for name, value in project["entry-points"]["xkit_auth"].items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[xkit_auth]", *lines]))
    bare = "import runpy, sys; sys.modules['click'] = sys.modules['rich'] = None"
    code = f"{bare}; runpy.run_module('xkit_auth', {{}}, '__main__')"
    path = os.pathsep.join([str(plugin), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=plugin, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip


@pytest.mark.needs_all
@pytest.mark.parametrize("page", ["docs/tutorial/first-request.md"])
def test_each_tutorial_block_runs_and_prints_its_output(page, tmp_path):
    printed = re.findall(r"^```\{testoutput\}\n(.*?)^```$", CONTENTS[page], re.DOTALL | re.MULTILINE)
    programs = [block for block in PYTHON if block.where.startswith(page)]
    assert len(programs) == len(printed)
    for program, output in zip(programs, printed, strict=True):
        (tmp_path / "block.py").write_text(program.body, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "block.py"], cwd=tmp_path, env={**os.environ, "NO_PROXY": "127.0.0.1"},
            capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert (done.stdout, done.stderr) == (output, ""), program.where


def test_the_entry_point_of_the_template_names_its_module():
    template = ROOT / "plugins" / "_template"
    project = tomllib.loads((template / "pyproject.toml").read_text(encoding="utf-8"))
    entry_points = project["project"]["entry-points"]["xkit_auth"]
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    assert [f"{module}.py" for module in entry_points.values()] == wheel
    assert all((template / name).is_file() for name in wheel)


@pytest.mark.needs_all
def test_the_example_with_a_sandbox_argument_passes_its_tests(tmp_path):
    files = ("standup.py", "test_standup.py")
    run_example_tests("docs/how-to/test-your-application.md", tmp_path, *files)


@pytest.mark.needs_all
def test_the_example_with_unchanged_code_passes_its_tests(tmp_path):
    files = ("clients.py", "conftest.py", "test_clients.py")
    run_example_tests("docs/how-to/test-your-application.md", tmp_path, *files)


def test_the_webhook_example_passes_its_tests(tmp_path):
    page = "docs/how-to/listen-to-webhooks.md"
    (tmp_path / "webhooks.py").write_text(block_named(page, "webhooks.py"), encoding="utf-8")
    run_example_tests(page, tmp_path, "test_webhooks.py")


def test_the_example_of_a_webhook_body_is_valid():
    with Sandbox() as sandbox:
        event = sandbox.xkit().handle_webhook(block_named("docs/how-to/listen-to-webhooks.md", "webhook.json"))
    assert (event.event_type, event.connector, event.context) == ("connection.errored", "slack", "user-42")
    assert event.connection_id


@pytest.mark.needs_all
def test_the_account_check_prints_that_it_works(monkeypatch, capsys):
    with Sandbox() as sandbox:
        sandbox.connect("slack", "user-42")
        keys = {"PUBLISHABLE_KEY": sandbox.publishable_key, "SECRET_KEY": sandbox.secret_key}
        for name, value in {**keys, "BASE_URL": sandbox.base_url}.items():
            monkeypatch.setenv(f"XKIT_{name}", value)
        exec(block_named("docs/how-to/set-up-xkit.md", "check_xkit.py"), {})
    assert capsys.readouterr().out == "True active\nTrue\n"


# Completeness


def test_the_setup_page_lists_every_environment_variable():
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "xkit_auth").rglob("*.py"))
    variables = set(re.findall(r"\bXKIT_[A-Z_]+\b", sources))
    assert {name for name in variables if f"| `{name}` |" not in CONTENTS["docs/how-to/set-up-xkit.md"]} == set()


def test_the_troubleshooting_page_lists_every_error():
    page = CONTENTS["docs/how-to/troubleshoot.md"]
    kinds = {"XkitAuthError"}  # the base class, which is never raised itself
    assert {name for name in errors() if name not in kinds and f"`{name}`" not in page} == set()


def message_patterns() -> list[str]:
    """Return a pattern for the message of each error in the code, with ``.+`` for each value in it."""
    return [
        "".join(pattern_parts(node.args[0]))
        for path in (ROOT / "xkit_auth").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in errors() and node.args
    ]


def pattern_parts(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant):
        return [re.escape(str(node.value))]
    if isinstance(node, ast.JoinedStr):
        return [part for value in node.values for part in pattern_parts(value)]
    return [".+"]


def test_each_quoted_error_message_is_in_the_code():
    section = CONTENTS["docs/how-to/troubleshoot.md"].partition("## `ConfigurationError`")[2].partition("\n## ")[0]
    quoted = re.findall(r"^\| `(.+?)` \|", section, re.MULTILINE)
    patterns = [pattern for pattern in message_patterns() if pattern != ".+"]
    assert len(quoted) > 8
    for message in quoted:
        sample = message.replace("…", "x")
        assert any(re.fullmatch(each, sample) or re.escape(sample) in each for each in patterns), message


def test_the_metadata_of_every_package_has_project_urls():
    for path in (ROOT / "pyproject.toml", *(ROOT / "plugins").glob("xkit-auth-*/pyproject.toml")):
        urls = tomllib.loads(path.read_text(encoding="utf-8"))["project"]["urls"]
        assert {"Documentation", "Changelog", "Source", "Issues", "Security"} <= set(urls), path
        assert all(url.startswith("https://") for url in urls.values())


def test_each_link_of_the_readme_exists():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\(((?!https?:)[^)]+)\)", readme)
    assert len(targets) > 10
    assert [target for target in targets if not (ROOT / target).is_file()] == []
    assert "docs/how-to/report-a-security-problem.md" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_page_titles_are_unique():
    titles = [text.partition("\n")[0] for name, text in CONTENTS.items() if name.startswith("docs/")]
    assert len(set(titles)) == len(titles)


# Links


def anchors_of(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", CONTENTS)
def test_each_link_of_a_page_exists(name):
    folder = (ROOT / name).parent
    for target in re.findall(r"\[[^\]\n]*\]\(([^)\s]+)\)", FENCE.sub("", CONTENTS[name])):
        path, _, anchor = target.partition("#")
        if re.match(r"https?://", target):
            continue
        page = folder / path if path else ROOT / name
        assert page.is_file(), target
        assert not anchor or anchor in anchors_of(page.read_text(encoding="utf-8")), target


def test_the_table_of_contents_lists_every_page_once():
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    listed = re.findall(r"^(\w[\w-]*/[\w-]+)$", index, re.MULTILINE)
    assert sorted(listed) == sorted(
        str(path.relative_to(DOCS).with_suffix("").as_posix()) for path in PAGES[:] if path.name != "index.md"
    )


def test_heading_levels_are_not_skipped():
    for name, text in CONTENTS.items():
        levels = [len(marks) for marks in re.findall(r"^(#+) ", FENCE.sub("", text), re.MULTILINE)]
        assert levels[0] == 1, name
        assert levels.count(1) == 1, name
        assert all(after <= before + 1 for before, after in pairwise(levels)), name


def test_the_webhook_example_handles_forged_webhooks():
    page: dict[str, Any] = {}
    exec(block_named("docs/how-to/listen-to-webhooks.md", "webhooks.py"), page)
    with Sandbox() as sandbox:
        xkit = sandbox.xkit()
        for context, status in (("a\0", 400), ("x" * 600, 400), ("nobody", 204), ("user-1", 204)):
            payload = {"connector": {"slug": "slack"}, "context": {"external_id": context}}
            body = json.dumps({"event_type": "connection.errored", "payload": payload}).encode()
            assert page["receive"](xkit, body, {"user-1"}) == status
        assert page["receive"](xkit, b"{}", set()) == 400
        assert sandbox.call_count() == 0


def test_the_metrics_example_counts_events_and_durations():
    page: dict[str, Any] = {}
    exec(block_named("docs/how-to/log-and-measure.md", "metrics.py"), page)
    metrics = page["Metrics"]()
    with Sandbox() as sandbox:
        sandbox.connect("acme", "user-1")
        xkit = sandbox.xkit(plugins=[metrics])
        for _ in range(3):
            xkit.get_credential("acme", context="user-1")
    assert metrics.counts == {"fetched": 1, "cache_hit": 2}
    assert len(metrics.seconds) == 1


def test_the_batch_example_resends_only_rejected_parts():
    httpx = pytest.importorskip("httpx")
    auth_of = importlib.import_module("xkit_auth.httpx").XkitAuth
    page: dict[str, Any] = {}
    exec(block_named("docs/how-to/send-a-batch.md", "batches.py"), page)
    sent: list[tuple[str, list[str]]] = []

    def graph(request: Any) -> Any:
        ids = [part["id"] for part in json.loads(request.content)["requests"]]
        sent.append((request.headers["authorization"], ids))
        statuses = {"1": 201, "2": 401 if len(sent) == 1 else 201}
        return httpx.Response(200, json={"responses": [{"id": each, "status": statuses[each]} for each in ids]})

    with Sandbox() as sandbox:
        xkit = sandbox.xkit()
        old = sandbox.connect("microsoft-graph", "ann")
        auth = auth_of("microsoft-graph", context="ann", xkit=xkit, hosts=["graph.microsoft.com"])
        with httpx.Client(transport=httpx.MockTransport(graph), auth=auth) as client:
            parts = [{"id": each, "method": "POST", "url": "/me/messages"} for each in ("1", "2")]
            xkit.get_credential("microsoft-graph", context="ann")
            sandbox.expire("microsoft-graph", "ann")
            answers = page["send_batch"](client, "https://graph.microsoft.com/v1.0/$batch", parts, xkit, "ann")
        new = sandbox.credential("microsoft-graph", "ann")
    assert {each: answer["status"] for each, answer in answers.items()} == {"1": 201, "2": 201}
    assert sent == [(f"Bearer {old}", ["1", "2"]), (f"Bearer {new}", ["2"])]
    assert old != new

#!/usr/bin/env python3
"""The fleet of `tests/fleet`, brought from its versions to the newest by other tools.

    pip install copier cruft cookiecutter
    FLEET=DIR cargo test -p generate-service --test it teams::dump -- --ignored
    python3 tests/fleet/peers.py DIR OUT.json [TOOL ...]     # git copier-inline copier-rej cruft

Each tool gets the same template in its own form and the same services, as it makes them from
the version each was made from, with its team's work on top. Counted is what is left to a human, and
what got lost without a word: of the lines that are nowhere in the old rendering, those that the
team or the template added and the result has nowhere, conflict markers and `.rej` files included;
and of the lines that one side took away everywhere and the other left alone, those that are there
again or still. Nothing here is part of a test run.
"""

import hashlib
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

JOBS = os.cpu_count() or 1
NEWEST = "1.9.0"
RECORDS = {".copier-answers.yml", ".cruft.json"}
ENVIRONMENT = {
    **os.environ,
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (
        ("NAME", "Fleet"), ("EMAIL", "fleet@example.com"), ("DATE", "2026-01-01T00:00:00Z"))},
}


def run(words, cwd, check=True):
    done = subprocess.run(words, cwd=cwd, env=ENVIRONMENT, text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, errors="replace")
    if check and done.returncode:
        raise SystemExit(f"{words}: {done.stdout}{done.stderr}")
    return done


def commit(directory, message):
    run(["git", "add", "--all", "--force"], directory)
    run(["git", "commit", "--quiet", "--allow-empty", "--message", message], directory)


def clear(directory, keep=()):
    for entry in directory.iterdir():
        if entry.name != ".git" and entry.name not in keep:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def fill(source, target):
    # With new times: git takes a file of the old size and time for the old one.
    shutil.copytree(source, target, dirs_exist_ok=True, copy_function=shutil.copy)


def files(directory):
    """Paths and bytes below `directory`, without repository and records."""
    found = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory)
        if path.is_file() and name.parts[0] != ".git" and name.name not in RECORDS:
            found[str(name)] = path.read_bytes()
    return found


# -- the template in the form of each tool


def version_directories(fleet):
    return sorted((fleet / "template").iterdir())


def repository(fleet, directory, write):
    """A repository with a commit and a tag for each version, whose files `write` writes."""
    directory.mkdir(parents=True)
    run(["git", "init", "--quiet", "--initial-branch", "main"], directory)
    for version in version_directories(fleet):
        clear(directory)
        write(version, directory)
        commit(directory, f"Release v{version.name}")
        run(["git", "tag", f"v{version.name}"], directory)
    return directory


def copy(source, path, target, change=None):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source / path, target)
    if change:
        target.write_text(change(target.read_text()))


def has_replicas(version):
    return "replicas" in (version / "template.toml").read_text()


def write_copier(version, directory):
    questions = ["_min_copier_version: '9'", "name: {type: str}", "crate_name:", "  type: str",
                 "  when: false", "  default: \"{{ name | replace('-', '_') }}\"",
                 "queue: {type: str, default: \"{{ name }}-jobs\"}",
                 "team: {type: str, default: platform}"]
    if has_replicas(version):
        questions.append("replicas: {type: int, default: 2}")
    (directory / "copier.yml").write_text("\n".join(questions) + "\n")
    answers = directory / "{{ _copier_conf.answers_file }}.jinja"
    answers.write_text("{{ _copier_answers | to_nice_yaml }}")
    for path in files(version):
        if path != "template.toml":
            copy(version, path, directory / re.sub(r"\.hbs$", ".jinja", path))


def write_cookiecutter(version, directory):
    context = {"name": "svc", "crate_name": "{{ cookiecutter.name | replace('-', '_') }}",
               "queue": "{{ cookiecutter.name }}-jobs", "team": "platform"}
    if has_replicas(version):
        context["replicas"] = "2"
    paths = [path for path in files(version) if path != "template.toml"]
    context["_copy_without_render"] = [path for path in paths if not path.endswith(".hbs")]
    (directory / "cookiecutter.json").write_text(json.dumps(context, indent=2))

    def words(text):
        return re.sub(r"\{\{(\w+)\}\}", r"{{cookiecutter.\1}}", text)

    for path in paths:
        target = directory / "{{cookiecutter.name}}" / words(re.sub(r"\.hbs$", "", path))
        copy(version, path, target, words if path.endswith(".hbs") else None)


# -- the tools: what makes a service, and what updates it


class Git:
    """`git merge` of two branches that have the old rendering in common: the yardstick."""

    def __init__(self, fleet, work):
        pass

    def make(self, source, version, directory):
        fill(source / "base", directory)

    def update(self, source, directory):
        run(["git", "checkout", "--quiet", "-b", "template", "HEAD~1"], directory)
        clear(directory)
        fill(source / "theirs", directory)
        commit(directory, "Update")
        run(["git", "checkout", "--quiet", "main"], directory)
        done = run(["git", "merge", "--quiet", "template"], directory, check=False)
        return done.returncode > 1, done


class Copier:
    def __init__(self, fleet, work, conflict="inline"):
        self.template = repository(fleet, work / "template", write_copier)
        self.conflict = conflict

    def make(self, source, version, directory):
        run(["copier", "copy", "--defaults", "--quiet", "--vcs-ref", f"v{version}",
             "--data", f"name={source.name}", self.template, directory], directory.parent)

    def update(self, source, directory):
        done = run(["copier", "update", "--defaults", "--trust", "--quiet",
                    "--conflict", self.conflict], directory, check=False)
        return done.returncode != 0, done


class CopierRej(Copier):
    def __init__(self, fleet, work):
        super().__init__(fleet, work, "rej")


class Cruft:
    def __init__(self, fleet, work):
        self.template = repository(fleet, work / "template", write_cookiecutter)

    def make(self, source, version, directory):
        context = json.dumps({"name": source.name})
        directory.rmdir()
        run(["cruft", "create", "--no-input", "--default-config", "--checkout", f"v{version}",
             "--extra-context", context, "--output-dir", directory.parent, self.template],
            directory.parent)

    def update(self, source, directory):
        done = run(["cruft", "update", "--skip-apply-ask"], directory, check=False)
        return done.returncode != 0, done


TOOLS = {"git": Git, "copier-inline": Copier, "copier-rej": CopierRej, "cruft": Cruft}


# -- one service


def first_of_each_version(tool, sources, work):
    """The records that `tool` leaves in a service of each version, and that service's name."""
    records = {}
    for source in sources:
        version = (source / "version").read_text()
        if version in records:
            continue
        directory = work / "first" / source.name
        directory.mkdir(parents=True)
        tool.make(source, version, directory)
        made, wanted = files(directory), files(source / "base")
        assert made == wanted, (directory, {path for path in made.keys() | wanted.keys()
                                            if made.get(path) != wanted.get(path)})
        texts = {name: (directory / name).read_text() for name in RECORDS
                 if (directory / name).exists()}
        records[version] = source.name, texts
    return records


def make(records, source, directory):
    """A service as `tool` makes it, but faster: after the first of a version it is known how."""
    first, texts = records[(source / "version").read_text()]
    directory.mkdir(parents=True)
    run(["git", "init", "--quiet", "--initial-branch", "main"], directory)
    for record, text in texts.items():
        (directory / record).write_text(text.replace(first, source.name)
                                        .replace(first.replace("-", "_"),
                                                 source.name.replace("-", "_")))
    fill(source / "base", directory)
    commit(directory, "Generate")
    clear(directory, RECORDS)
    fill(source / "ours", directory)
    commit(directory, "Do our work")


def pieces(tree):
    """What can get lost: lines with something in them, and binary files as a whole."""
    found = set()
    for path, content in tree.items():
        if b"\0" in content:
            found.add(hashlib.sha256(content).hexdigest())
            continue
        for line in content.decode().splitlines():
            line = line[1:] if path.endswith(".rej") and line[:1] in "+- " else line
            if sum(letter.isalnum() for letter in line) >= 4:
                found.add(line.rstrip())
    return found


def judge(source, directory, failed, done):
    result = files(directory)
    status = run(["git", "status", "--porcelain"], directory).stdout.splitlines()
    unmerged = {line[3:].strip('"') for line in status
                if line[:2] in {"UU", "AA", "DD", "DU", "UD", "AU", "UA"}}
    marked = {path for path, content in result.items() if b"\n<<<<<<< " in b"\n" + content}
    rejected = {path for path in result if path.endswith(".rej")}
    base, ours, theirs = (pieces(files(source / name)) for name in ("base", "ours", "theirs"))
    there = pieces(result)
    for side in ("ours", "theirs"):  # What is in the index of a conflict is not lost.
        there |= pieces({path: content for path, content in files(source / side).items()
                         if path in unmerged and b"\0" in content})
    return {
        "service": source.name,
        "version": (source / "version").read_text(),
        "failed": failed,
        "conflicts": sorted(unmerged | marked | rejected),
        "lost_of_team": sorted(ours - base - there),
        "lost_of_template": sorted(theirs - base - there),
        "back_again": sorted((base & theirs - ours) & there) if not unmerged | marked else [],
        "still_there": sorted((base & ours - theirs) & there) if not unmerged | marked else [],
        "said": (done.stdout + done.stderr)[-2000:] if failed else "",
    }


# -- all of them


def measure(name, fleet, work):
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    tool = TOOLS[name](fleet, work)
    sources = sorted((fleet / "services").iterdir())
    records = first_of_each_version(tool, sources, work)
    with ThreadPoolExecutor(JOBS) as pool:
        list(pool.map(lambda source: make(records, source, work / source.name), sources))
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        ends = list(pool.map(lambda source: tool.update(source, work / source.name), sources))
        wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    rows = [judge(source, work / source.name, *end) for source, end in zip(sources, ends)]
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    silent = [row for row in rows if row["lost_of_team"] or row["lost_of_template"]
              or row["back_again"] or row["still_there"]]
    return {
        "services": len(rows),
        "jobs": JOBS,
        "failed": sum(row["failed"] for row in rows),
        "services_in_conflict": sum(bool(row["conflicts"]) for row in rows),
        "files_in_conflict": sum(len(row["conflicts"]) for row in rows),
        "services_with_losses": len(silent),
        "clean_services_with_losses": sum(not row["conflicts"] for row in silent),
        **{f"lines_{what}": sum(len(row[what]) for row in rows)
           for what in ("lost_of_team", "lost_of_template", "back_again", "still_there")},
        "wall_seconds": round(wall, 1),
        "cpu_seconds": round(cpu, 1),
        "rows": rows,
    }


def main():
    fleet, out, *names = sys.argv[1:]
    fleet, out = Path(fleet).resolve(), Path(out)
    results = json.loads(out.read_text()) if out.exists() else {}
    for name in names or TOOLS:
        results[name] = measure(name, fleet, fleet / "peers" / name)
        out.write_text(json.dumps(results, indent=1))
        print(name, {key: value for key, value in results[name].items() if key != "rows"})


if __name__ == "__main__":
    main()

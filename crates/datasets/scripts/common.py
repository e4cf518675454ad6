"""What the scripts of this directory share: fetch a package by name, check it, write a file.

A package is fetched by its registry's own client (pip, npm, cargo, apt-get) into the directory
PROCRUST_DOWNLOADS (default: `procrust-downloads` in the system's temporary directory) and used only
if its SHA-256 is the expected one. What is written depends on nothing else: no clock, no locale.
"""

import gzip
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import zlib

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
DOWNLOADS = pathlib.Path(
    os.environ.get("PROCRUST_DOWNLOADS", pathlib.Path(tempfile.gettempdir()) / "procrust-downloads")
)


def sha256(path):
    """The SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def _fetched(file, digest, command):
    path = DOWNLOADS / file
    if not path.exists():
        DOWNLOADS.mkdir(parents=True, exist_ok=True)
        subprocess.run(command, check=True, cwd=DOWNLOADS, stdout=sys.stderr)
    if sha256(path) != digest:
        sys.exit(f"{path}: expected SHA-256 {digest}, found {sha256(path)}")
    return path


def pip_package(spec, file, digest, *options):
    """The wheel or source archive `file` of the Python package `spec` (name==version)."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *options, spec]
    return _fetched(file, digest, command)


def pip_wheel(spec, file, digest, *options):
    """A wheel, the same one whatever Python and platform the script runs on."""
    fixed = ["--only-binary=:all:", "--python-version=3.11", *options]
    return pip_package(spec, file, digest, *fixed)


def npm_package(name, version, digest):
    """The archive of the npm package `name`."""
    return _fetched(f"{name}-{version}.tgz", digest, ["npm", "pack", "--silent", f"{name}@{version}"])


def deb_package(name, version, digest):
    """The archive of the Debian package `name`; apt-get knows where it is."""
    file = f"{name}_{version.replace(':', '%3a')}_all.deb"
    return _fetched(file, digest, ["apt-get", "download", "--quiet", f"{name}={version}"])


def crate_source(name, version, digest):
    """The unpacked source of a Rust crate; cargo checks the archive, this checks cargo's word."""
    project = DOWNLOADS / f"crate-{name}-{version}"
    if not (project / "vendor" / name).exists():
        (project / "src").mkdir(parents=True, exist_ok=True)
        (project / "src" / "lib.rs").write_text("")
        (project / "Cargo.toml").write_text(
            '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n'
            f'[dependencies]\n{name} = "={version}"\n'
        )
        subprocess.run(["cargo", "vendor", "--quiet"], check=True, cwd=project, stdout=sys.stderr)
    source = project / "vendor" / name
    found = json.loads((source / ".cargo-checksum.json").read_text())["package"]
    if found != digest:
        sys.exit(f"{name} {version}: expected SHA-256 {digest}, found {found}")
    return source


def write_gz(name, content):
    """Writes data/`name`: `content` as gzip, without a time or a name in its header."""
    path = DATA / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pack = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    body = pack.compress(content) + pack.flush()
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    tail = zlib.crc32(content).to_bytes(4, "little") + (len(content) & 0xFFFFFFFF).to_bytes(4, "little")
    path.write_bytes(head + body + tail)
    assert gzip.decompress(path.read_bytes()) == content
    print(f"{sha256(path)}  {name}  {path.stat().st_size} bytes, {len(content)} unpacked")


def is_plain(word):
    """Whether a word can stand in a text file: no white space, no control or format character."""
    return bool(word) and word.isprintable() and not any(c.isspace() for c in word)

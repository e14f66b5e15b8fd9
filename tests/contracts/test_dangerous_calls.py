"""What the product never calls: nothing here runs a text, a shell or a guess as code."""

import ast
from typing import Final

from tests.contracts.sources import trees

# Each makes code, objects or a shell out of data; or is a hash, a mode or a padding that is broken.
NEVER_CALLED: Final = frozenset(
    {"eval", "exec", "compile", "__import__"}
    | {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}
    | {"jinja2.Template", "from_string", "hashlib.md5", "hashlib.sha1", "hashlib.new"}
)
NEVER_IMPORTED: Final = frozenset(
    {"pickle", "marshal", "shelve", "dill", "yaml", "telnetlib", "xml", "lxml", "imp"}
)
NEVER_NAMED: Final = frozenset({"MD5", "PKCS1v15", "TripleDES", "ARC4", "Blowfish"})
# Of a single block, as the wristband's rolling identifier has it: there is no second one to show
# that two are alike.
SINGLE_BLOCKS: Final = frozenset({"gateway/wire/band.py", "firmware_sim/bands/firmware.py"})
# By seed, for figures and not for secrets; ids and tokens of a shop are made in ``RandomIds``.
SEEDED: Final = frozenset({"cart/orders/tickets.py", "cart/kernel/ids.py"})
PATTERNS: Final = frozenset({"compile", "match", "fullmatch", "search", "findall", "sub", "split"})


def called(node: ast.AST) -> str:
    """Return what a call calls: its name, or its module's and its name."""
    if not isinstance(node, ast.Call):
        return ""
    function = node.func
    if isinstance(function, ast.Name):
        return function.id
    if isinstance(function, ast.Attribute):
        owner = function.value.id if isinstance(function.value, ast.Name) else ""
        whole = f"{owner}.{function.attr}"
        return function.attr if function.attr == "from_string" else whole
    return ""


def dangers(tree: ast.Module) -> list[str]:
    """Return what is called, imported or named here that must not be."""
    found = []
    for node in ast.walk(tree):
        name = called(node)
        if name in NEVER_CALLED:
            found.append(name)
        match node:
            case ast.keyword(arg="shell", value=ast.Constant(value=True)):
                found.append("shell=True")
            case ast.Import(names=names):
                found += [one.name for one in names if one.name.split(".")[0] in NEVER_IMPORTED]
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in NEVER_IMPORTED:
                found.append(module)
            case ast.Attribute(attr=attr) if attr in NEVER_NAMED:
                found.append(attr)
            case _:
                pass
    return found


def loose_patterns(tree: ast.Module) -> list[str]:
    """Return patterns that are made of a value as it came, not escaped by ``re.escape``."""
    found = []
    for node in ast.walk(tree):
        owner, _, verb = called(node).partition(".")
        if owner != "re" or verb not in PATTERNS or not isinstance(node, ast.Call):
            continue
        names = [part.id for part in ast.walk(node.args[0]) if isinstance(part, ast.Name)]
        if not all(map(_is_constant, names)):
            found.append(ast.unparse(node.args[0]))
    return found


def _is_constant(name: str) -> bool:
    return name.isupper() or name == "re"


def test_nothing_runs_data_as_code() -> None:
    """No eval, no shell, no pickle, no template made of a text, no broken hash or padding."""
    found = {path: bad for path, tree in trees() if (bad := dangers(tree))}
    assert found == {}


def test_what_is_looked_for_is_found() -> None:
    """Each way is one that the test above sees."""
    for way in (
        "eval(text)",
        "import os\nos.system(text)",
        "import subprocess\nsubprocess.run(text, shell=True)",
        "import pickle",
        "from xml.etree import ElementTree",
        "environment.from_string(text)",
        "import hashlib\nhashlib.md5(data)",
        "padding.PKCS1v15()",
    ):
        assert dangers(ast.parse(way)), way
    assert loose_patterns(ast.parse("re.compile(text)"))
    assert loose_patterns(ast.parse("re.compile(re.escape(TEXT))")) == []


def test_a_pattern_is_ours_or_escaped() -> None:
    """What somebody typed is no pattern: it would match what she did not mean, or for ever."""
    found = {path: loose for path, tree in trees() if (loose := loose_patterns(tree))}
    # There ``spelled`` is joined of what ``re.escape`` gave, some lines above.
    assert found.keys() <= {"cart/personal/finding.py"}, found


def test_blocks_are_encrypted_one_by_one_only_where_there_is_one() -> None:
    """Everything that is sealed for keeping is AES-GCM."""
    named = {
        path
        for path, tree in trees()
        if any(isinstance(node, ast.Attribute) and node.attr == "ECB" for node in ast.walk(tree))
    }
    assert named == SINGLE_BLOCKS


def test_chance_by_seed_makes_no_secret() -> None:
    """Servers draw secrets from the system's randomness alone."""
    servers = ("cart/", "inventory_api/", "gateway/", "mobile_api/")
    seeded = {
        path
        for path, tree in trees()
        if path.startswith(servers)
        for node in ast.walk(tree)
        if (isinstance(node, ast.Import) and any(one.name == "random" for one in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module == "random")
    }
    assert seeded == SEEDED

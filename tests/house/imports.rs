//! Import rules: a room imports only the rooms below it, and files have no import cycle.

use super::{code, is_tests, project, sources};
use std::collections::{BTreeMap, BTreeSet};

/// The rooms that each room may import besides itself. The last ones may import none.
const ROOMS: [(&str, &[&str]); 13] = [
    ("main", &["process"]),
    (
        "process",
        &[
            "kubernetes",
            "http_api",
            "aws",
            "reflector",
            "describe_image",
            "backoff",
            "clock",
            "packed",
            "plain_text",
            "proxy",
        ],
    ),
    ("kubernetes", &["reflector", "describe_image", "backoff", "clock", "fit", "packed", "plain_text", "proxy"]),
    ("http_api", &["describe_image", "plain_text"]),
    ("aws", &["describe_image", "backoff", "packed", "plain_text", "proxy"]),
    ("reflector", &["describe_image", "backoff", "clock", "fit", "packed", "plain_text"]),
    ("describe_image", &["packed", "plain_text"]),
    ("backoff", &[]),
    ("clock", &[]),
    ("fit", &[]),
    ("packed", &[]),
    ("plain_text", &[]),
    ("proxy", &[]),
];

/// The imported modules of each module. A module is its path below `src`, such as `kubernetes/status`.
type Imports = BTreeMap<String, BTreeSet<String>>;

#[test]
fn rooms_import_only_rooms_below_them() {
    let rooms: BTreeMap<_, _> = ROOMS.into_iter().collect();
    let room = |module: &str| module.split('/').next().unwrap_or_default().to_owned();
    for (module, imported) in imports() {
        let allowed = *rooms.get(room(&module).as_str()).unwrap_or_else(|| panic!("{module} is not in ROOMS: add it"));
        for other in imported.iter().map(|other| room(other)).filter(|other| *other != room(&module)) {
            assert!(allowed.contains(&other.as_str()), "{module} imports {other}");
        }
    }
}

#[test]
fn files_have_no_import_cycle() {
    let imports = imports();
    let mut finished = BTreeSet::new();
    for module in imports.keys() {
        walk(module, &imports, &mut Vec::new(), &mut finished);
    }
}

fn walk(module: &str, imports: &Imports, path: &mut Vec<String>, finished: &mut BTreeSet<String>) {
    if let Some(begin) = path.iter().position(|before| before == module) {
        panic!("import cycle: {} → {module}", path[begin..].join(" → "));
    }
    if finished.contains(module) {
        return;
    }
    path.push(module.to_owned());
    for other in imports.get(module).into_iter().flatten() {
        walk(other, imports, path, finished);
    }
    path.pop();
    finished.insert(module.to_owned());
}

fn imports() -> Imports {
    let root = project().join("src");
    let texts: BTreeMap<String, String> = sources("src")
        .into_iter()
        .filter(|(path, _)| !is_tests(path))
        .map(|(path, text)| (path.strip_prefix(&root).unwrap().with_extension("").display().to_string(), text))
        .filter(|(module, _)| module != "lib")
        .collect();
    let modules: BTreeSet<String> = texts.keys().cloned().collect();
    texts.iter().map(|(module, text)| (module.clone(), imports_of(module, text, &modules))).collect()
}

fn imports_of(module: &str, text: &str, modules: &BTreeSet<String>) -> BTreeSet<String> {
    let text = code(text).collect::<Vec<_>>().join("\n");
    let paths = text.split(|c: char| !(c.is_alphanumeric() || "_:{}, \n".contains(c)));
    let mut found: BTreeSet<String> =
        paths.flat_map(expanded).filter_map(|path| file_of(module, &path, modules)).collect();
    found.remove(module);
    found
}

/// Expands `a::{b, c::d}` to `a::b` and `a::c::d`. Also returns the other paths in `text`.
fn expanded(text: &str) -> Vec<String> {
    let Some((before, rest)) = text.split_once("::{") else {
        return text.split([',', ' ', '\n', '{', '}']).filter(|path| path.contains("::")).map(str::to_owned).collect();
    };
    let head = before.rsplit([',', ' ', '\n', '{', '}']).next().unwrap_or_default();
    let mut paths = expanded(&before[..before.len() - head.len()]);
    let mut depth = 1;
    let end = rest.char_indices().find(|(_, c)| {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        depth == 0
    });
    let (inside, after) = end.map_or((rest, ""), |(end, _)| (&rest[..end], &rest[end + 1..]));
    let mut depth = 0;
    let items = inside.split(|c: char| {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        c == ',' && depth == 0
    });
    paths.extend(items.flat_map(|item| expanded(&format!("{head}::{}", item.trim()))));
    paths.extend(expanded(after));
    paths
}

/// The module that contains what `path` names, if `path` is used in `module`. `None` for another crate.
fn file_of(module: &str, path: &str, modules: &BTreeSet<String>) -> Option<String> {
    let mut segments = path.split("::").collect::<Vec<_>>();
    let mut at: Vec<&str> = module.split('/').collect();
    match *segments.first()? {
        "crate" => at.clear(),
        "self" | "super" => {}
        // A child of this module, or another crate.
        _ => segments.insert(0, "self"),
    }
    while segments.first() == Some(&"super") {
        segments.remove(0);
        at.pop();
    }
    if matches!(segments.first(), Some(&"crate" | &"self")) {
        segments.remove(0);
    }
    let start = at.len();
    for segment in segments {
        at.push(segment);
        if !modules.contains(&at.join("/")) {
            at.pop();
            break;
        }
    }
    let is_here = at.len() == start && !path.starts_with("super") && !path.starts_with("crate");
    (!is_here && !at.is_empty()).then(|| at.join("/"))
}

#[test]
fn a_path_is_resolved_to_its_module() {
    let modules: BTreeSet<String> = ["a", "a/b", "a/b/c", "d"].map(str::to_owned).into();
    let of = |text: &str| imports_of("a", text, &modules).into_iter().collect::<Vec<_>>();
    assert_eq!(of("use crate::{a::b::{self, X}, d::Y};"), ["a/b", "d"]);
    assert_eq!(of("fn f() { b::c::g(std::mem::take(x)) }"), ["a/b/c"]);
    assert_eq!(of("// crate::d::Y\n"), [""; 0]);
    let of_c = imports_of("a/b/c", "use super::super::d::Y;\nuse super::Z;", &modules);
    assert_eq!(of_c.into_iter().collect::<Vec<_>>(), ["a", "a/b"]);
}

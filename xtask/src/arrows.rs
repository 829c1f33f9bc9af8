//! Which crate may know which. The design's arrows, kept by a check rather than by memory.

use crate::{
    metadata::{self, Package},
    shell::Outcome,
};

/// Each crate, from the ground up, and the crates it may be built with.
const ARROWS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("db", &["base"]),
    ("mail", &["base"]),
    ("engine", &["base", "db"]),
    ("outside", &["base", "mail", "engine"]),
    ("identity", &["base", "db", "engine"]),
    ("notices", &["base", "db", "engine", "identity", "mail"]),
    ("crm", &["base", "db", "engine", "identity", "notices"]),
    // Desk, billing and network never see each other.
    ("desk", &["base", "db", "engine", "identity", "notices", "crm", "mail"]),
    ("billing", &["base", "db", "engine", "identity", "notices", "crm"]),
    ("network", &["base", "db", "engine", "identity", "notices", "crm"]),
    ("flows", &["base", "db", "engine", "identity", "notices", "crm", "desk", "billing", "network"]),
    (
        "web",
        &[
            "base", "db", "engine", "identity", "notices", "crm", "desk", "billing", "network", "flows",
            "mail",
        ],
    ),
];

/// The binary, which wires everything, and what is not part of the product.
const UNBOUND: [&str; 3] = ["counterfoil", "testkit", "bench"];

/// What tests may use on top of what the product may.
const FOR_TESTS: [&str; 1] = ["testkit"];

pub fn check() -> Outcome {
    let packages = metadata::read()?.packages;
    let wrong: Vec<String> = packages.iter().flat_map(violations).collect();
    if wrong.is_empty() {
        println!("arrows: {} crates depend on each other as the design allows", packages.len());
        return Ok(());
    }
    Err(format!("arrows the design does not have:\n  {}", wrong.join("\n  ")))
}

fn violations(package: &Package) -> Vec<String> {
    let crate_name = short(&package.name);
    if crate_name == "xtask" {
        return Vec::new();
    }
    if UNBOUND.contains(&crate_name) {
        // Nothing may be built into the product that exists for tests.
        let bad = package
            .dependencies
            .iter()
            .filter(|dep| crate_name == "counterfoil" && FOR_TESTS.contains(&short(dep)));
        return bad.map(|dep| format!("{crate_name} → {}", short(dep))).collect();
    }
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == crate_name) else {
        return vec![format!(
            "{crate_name} is not in the design: add it to xtask/src/arrows.rs and say why in an ADR"
        )];
    };
    let forbidden = |dep: &&String| !allowed.contains(&short(dep));
    let built =
        package.dependencies.iter().filter(forbidden).map(|dep| format!("{crate_name} → {}", short(dep)));
    let tests =
        package.dev_dependencies.iter().filter(forbidden).filter(|dep| !FOR_TESTS.contains(&short(dep)));
    built.chain(tests.map(|dep| format!("{crate_name} → {} (in tests)", short(dep)))).collect()
}

fn short(name: &str) -> &str {
    name.strip_prefix("counterfoil-").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[&str], dev_dependencies: &[&str]) -> Package {
        let own = |names: &[&str]| names.iter().map(|name| format!("counterfoil-{name}")).collect();
        Package {
            name: name.into(),
            dependencies: own(dependencies),
            dev_dependencies: own(dev_dependencies),
        }
    }

    #[test]
    fn arrows_point_down() {
        for (i, (name, allowed)) in ARROWS.iter().enumerate() {
            let below: Vec<_> = ARROWS[..i].iter().map(|(name, _)| *name).collect();
            assert!(allowed.iter().all(|one| below.contains(one)), "{name}");
        }
    }

    #[test]
    fn wrong_arrows_are_named() {
        assert!(violations(&package("counterfoil-desk", &["crm", "mail"], &["testkit"])).is_empty());
        assert_eq!(violations(&package("counterfoil-desk", &["billing"], &[])), ["desk → billing"]);
        assert_eq!(violations(&package("counterfoil-web", &["outside"], &[])), ["web → outside"]);
        assert_eq!(violations(&package("counterfoil-desk", &["testkit"], &[])), ["desk → testkit"]);
        assert_eq!(violations(&package("counterfoil", &["testkit"], &[])), ["counterfoil → testkit"]);
        assert_eq!(violations(&package("counterfoil-helpers", &[], &[])).len(), 1);
    }
}

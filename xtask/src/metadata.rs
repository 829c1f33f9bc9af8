//! What cargo knows about the workspace.

use std::path::PathBuf;

use serde_json::Value;

use crate::shell::{Outcome, cargo, output};

pub struct Workspace {
    pub packages: Vec<Package>,
    pub target_directory: PathBuf,
}

pub struct Package {
    pub name: String,
    /// Packages of this workspace that the product is built with.
    pub dependencies: Vec<String>,
    /// Those that only its tests and examples use.
    pub dev_dependencies: Vec<String>,
}

pub fn read() -> Outcome<Workspace> {
    let text = output(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let json: Value = serde_json::from_str(&text).map_err(|error| format!("cargo metadata: {error}"))?;
    let packages: Vec<&Value> = json["packages"].as_array().into_iter().flatten().collect();
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    let packages = packages
        .into_iter()
        .map(|package| {
            let ours = |dev: bool| {
                let all = package["dependencies"].as_array().into_iter().flatten();
                // A dependency inside the workspace has a path; from a registry it has none.
                all.filter(|dep| dep["path"].is_string() && (dep["kind"] == "dev") == dev).map(name).collect()
            };
            Package { name: name(package), dependencies: ours(false), dev_dependencies: ours(true) }
        })
        .collect();
    let target_directory = json["target_directory"].as_str().unwrap_or("target").into();
    Ok(Workspace { packages, target_directory })
}

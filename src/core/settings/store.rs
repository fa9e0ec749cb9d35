//! Where paid answers are kept.

use std::path::{Path, PathBuf};

use super::invalid;
use crate::error::Result;

/// The place of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreLocation {
    /// Nowhere: answers are gone with the process.
    Memory,
    /// A file, or the folder of one.
    File(PathBuf),
    /// There is no place: an error of what needs one, and of nothing else.
    Homeless,
}

/// The place that a user named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum StoreWish {
    /// None: the environment, or the user's data folder.
    #[default]
    Default,
    /// No store.
    Memory,
    /// This file or folder.
    File(PathBuf),
}

impl StoreLocation {
    /// The file, where answers are kept in one.
    pub fn file(&self) -> Result<Option<&Path>> {
        match self {
            Self::Memory => Ok(None),
            Self::File(path) => Ok(Some(path)),
            Self::Homeless => Err(invalid(
                "store",
                "has no place: this user has no home folder",
                "pass `store=` a path, or `store=False`",
            )),
        }
    }

    /// The place of a store that is looked into without a client.
    pub fn of(wish: &StoreWish) -> Result<Self> {
        resolve(wish, false, std::env::consts::OS, &super::filled_variable(&super::from_environment))
    }
}

type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The place in force. `is_emulator` tells that the answers are of an emulator, which nobody should take for real ones.
pub(super) fn resolve(
    wish: &StoreWish,
    is_emulator: bool,
    system: &str,
    variable: Environment<'_>,
) -> Result<StoreLocation> {
    match wish {
        StoreWish::Memory => return Ok(StoreLocation::Memory),
        StoreWish::File(path) => return Ok(StoreLocation::File(located(path, variable)?)),
        StoreWish::Default => {}
    }
    if let Some(named) = variable("STREETLENS_STORE") {
        if matches!(named.to_ascii_lowercase().as_str(), "0" | "false" | "off") {
            return Ok(StoreLocation::Memory);
        }
        return Ok(StoreLocation::File(located(Path::new(&named), variable)?));
    }
    if is_emulator {
        return Ok(StoreLocation::Memory);
    }
    let folder = data_folder(system, variable);
    Ok(folder.map_or(StoreLocation::Homeless, |folder| {
        StoreLocation::File(folder.join("streetlens").join("answers.sqlite"))
    }))
}

/// The path with `~` as the home folder; one that ends with a separator is a folder, whether or not it is there.
fn located(path: &Path, variable: Environment<'_>) -> Result<PathBuf> {
    let Some(text) = path.to_str() else { return Ok(path.to_owned()) };
    if text.trim().is_empty() {
        return Err(invalid("store", "is empty", "pass a path, or `store=False`"));
    }
    let path = match text.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with(std::path::is_separator) => {
            let home = home(variable).ok_or_else(|| {
                invalid("store", "begins with `~` and there is no home folder", "pass an absolute path")
            })?;
            home.join(rest.trim_start_matches(std::path::is_separator))
        }
        _ => path.to_owned(),
    };
    Ok(if text.ends_with(std::path::is_separator) { path.join("answers.sqlite") } else { path })
}

fn data_folder(system: &str, variable: Environment<'_>) -> Option<PathBuf> {
    let folder = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    match system {
        "windows" => folder("LOCALAPPDATA").or_else(|| Some(home(variable)?.join("AppData").join("Local"))),
        "macos" => Some(home(variable)?.join("Library").join("Application Support")),
        _ => folder("XDG_DATA_HOME").or_else(|| Some(home(variable)?.join(".local").join("share"))),
    }
}

fn home(variable: Environment<'_>) -> Option<PathBuf> {
    variable("HOME").or_else(|| variable("USERPROFILE")).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(wish: &StoreWish, is_emulator: bool, system: &str, variables: &[(&str, &str)]) -> StoreLocation {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        resolve(wish, is_emulator, system, &variable).unwrap()
    }

    fn file(path: &str) -> StoreLocation {
        StoreLocation::File(PathBuf::from(path))
    }

    #[test]
    fn each_system_has_its_data_folder() {
        let home = [("HOME", "/me")];
        for (system, variables, expected) in [
            ("linux", &home[..], "/me/.local/share/streetlens/answers.sqlite"),
            ("linux", &[("HOME", "/me"), ("XDG_DATA_HOME", "/data")], "/data/streetlens/answers.sqlite"),
            ("linux", &[("HOME", "/me"), ("XDG_DATA_HOME", "relative")], "/me/.local/share/streetlens/answers.sqlite"),
            ("macos", &home, "/me/Library/Application Support/streetlens/answers.sqlite"),
            ("windows", &[("LOCALAPPDATA", "/local")], "/local/streetlens/answers.sqlite"),
            ("windows", &[("USERPROFILE", "/me")], "/me/AppData/Local/streetlens/answers.sqlite"),
        ] {
            assert_eq!(resolved(&StoreWish::Default, false, system, variables), file(expected));
        }
    }

    #[test]
    fn answers_of_an_emulator_are_kept_only_where_a_place_is_named() {
        let home = ("HOME", "/me");
        assert_eq!(resolved(&StoreWish::Default, true, "linux", &[home]), StoreLocation::Memory);
        assert_eq!(resolved(&StoreWish::File("/a.db".into()), true, "linux", &[home]), file("/a.db"));
        let named = [home, ("STREETLENS_STORE", "/b.db")];
        assert_eq!(resolved(&StoreWish::Default, true, "linux", &named), file("/b.db"));
    }

    #[test]
    fn the_environment_names_a_place_or_none_and_an_argument_wins() {
        for off in ["0", "false", "OFF"] {
            let variables = [("STREETLENS_STORE", off)];
            assert_eq!(resolved(&StoreWish::Default, false, "linux", &variables), StoreLocation::Memory);
            assert_eq!(resolved(&StoreWish::File("/a".into()), false, "linux", &variables), file("/a"));
        }
        let variables = [("STREETLENS_STORE", "/b.db")];
        assert_eq!(resolved(&StoreWish::Memory, false, "linux", &variables), StoreLocation::Memory);
    }

    #[test]
    fn a_home_folder_and_a_folder_are_understood_as_in_a_shell() {
        let variables = [("HOME", "/me")];
        for (named, expected) in [
            ("~/answers.db", "/me/answers.db"),
            ("~", "/me"),
            ("~other/answers.db", "~other/answers.db"),
            ("runs/", "runs/answers.sqlite"),
            ("~/", "/me/answers.sqlite"),
        ] {
            let wish = StoreWish::File(named.into());
            assert_eq!(resolved(&wish, false, "linux", &variables), file(expected), "{named}");
        }
    }

    #[test]
    fn without_a_home_folder_the_error_names_the_argument() {
        let error = resolve(&StoreWish::Default, false, "linux", &|_| None).unwrap().file().unwrap_err();
        assert!(error.message().starts_with("`store` "), "{error}");
    }
}

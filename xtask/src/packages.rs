//! The system's package manager, and whether we may use it.

use std::{
    fs,
    process::{Command, Stdio},
};

/// A package manager that has OpenBLAS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manager {
    /// Debian, Ubuntu and what descends from them.
    Apt,
    /// Fedora and what descends from it.
    Dnf,
    /// Arch and what descends from it.
    Pacman,
    /// Homebrew on macOS.
    Brew,
}

/// By what right packages are installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rights {
    /// The user may do it as they are.
    Own,
    /// `sudo` does it and asks nothing.
    Sudo,
    /// Not at all.
    None,
}

/// One command of an installation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) words: Vec<&'static str>,
    /// Whether the installation goes on if it fails.
    pub(crate) may_fail: bool,
}

impl Manager {
    /// The manager of the system that we run on.
    pub(crate) fn of_this_system() -> Option<Self> {
        if cfg!(target_os = "macos") {
            return Some(Self::Brew);
        }
        let files = ["/etc/os-release", "/usr/lib/os-release"];
        let text = files.into_iter().find_map(|file| fs::read_to_string(file).ok())?;
        Self::of_os_release(&text)
    }

    /// The manager that goes with an os-release file: by `ID`, else by `ID_LIKE`.
    fn of_os_release(text: &str) -> Option<Self> {
        let value = |key: &str| {
            let line =
                text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='));
            line.unwrap_or_default().trim_matches(['"', '\'']).to_ascii_lowercase()
        };
        format!("{} {}", value("ID"), value("ID_LIKE")).split_whitespace().find_map(|id| match id {
            "debian" | "ubuntu" => Some(Self::Apt),
            "fedora" | "rhel" | "centos" => Some(Self::Dnf),
            "arch" => Some(Self::Pacman),
            _ => None,
        })
    }

    /// The installation, command by command.
    pub(crate) fn steps(self, rights: Rights) -> Vec<Step> {
        let (update, install): (&[&str], &[&str]) = match self {
            Self::Apt => (
                &["apt-get", "update", "-qq"],
                &["apt-get", "install", "-y", "-q", "libopenblas-dev"],
            ),
            Self::Dnf => (&[], &["dnf", "install", "-y", "openblas-devel"]),
            Self::Pacman => (&[], &["pacman", "-S", "--noconfirm", "openblas"]),
            Self::Brew => (&[], &["brew", "install", "openblas"]),
        };
        let mut before: Vec<&'static str> = Vec::new();
        if rights == Rights::Sudo {
            before.extend(["sudo", "-n"]);
        }
        if self == Self::Apt {
            // sudo drops the variables of its caller.
            before.extend(["env", "DEBIAN_FRONTEND=noninteractive"]);
        }
        // A foreign source that is down does not keep Debian's own package from being there.
        [(update, true), (install, false)]
            .into_iter()
            .filter(|(words, _)| !words.is_empty())
            .map(|(words, may_fail)| Step { words: [&before, words].concat(), may_fail })
            .collect()
    }

    /// The installation as a person would type it.
    pub(crate) fn to_type(self, rights: Rights) -> String {
        let sudo = if rights == Rights::Own { "" } else { "sudo " };
        match self {
            Self::Apt => {
                format!("{sudo}apt-get update && {sudo}apt-get install -y libopenblas-dev")
            }
            Self::Dnf => format!("{sudo}dnf install -y openblas-devel"),
            Self::Pacman => format!("{sudo}pacman -S --noconfirm openblas"),
            Self::Brew => "brew install openblas".to_owned(),
        }
    }
}

impl Rights {
    /// What the user may do with a package manager.
    pub(crate) fn find(manager: Manager) -> Self {
        // Homebrew refuses to run as root.
        if manager == Manager::Brew || says("id", &["-u"]).as_deref() == Some("0") {
            return Self::Own;
        }
        if says("sudo", &["-n", "true"]).is_some() { Self::Sudo } else { Self::None }
    }
}

/// What a program writes to stdout; nothing if it fails or is not there.
fn says(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_are_known_by_id_or_ancestry() {
        for (text, expected) in [
            (
                "PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\nVERSION_ID=\"12\"",
                Some(Manager::Apt),
            ),
            ("NAME=\"Ubuntu\"\nID=ubuntu\nID_LIKE=debian", Some(Manager::Apt)),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"", Some(Manager::Apt)),
            ("ID=fedora\nVERSION_ID=42", Some(Manager::Dnf)),
            ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"", Some(Manager::Dnf)),
            ("NAME=\"Arch Linux\"\nID=arch", Some(Manager::Pacman)),
            ("ID='manjaro'\nID_LIKE='arch'", Some(Manager::Pacman)),
            ("ID=nixos", None),
            // Other keys that end in ID, or hold a name that we know, are not the system.
            ("VARIANT_ID=debian\nBUILD_ID=arch\nHOME_URL=https://fedora.example", None),
            ("", None),
        ] {
            assert_eq!(Manager::of_os_release(text), expected, "{text}");
        }
    }

    #[test]
    fn sudo_stands_before_everything_but_brew() {
        let words = |manager: Manager, rights| -> Vec<String> {
            manager.steps(rights).iter().map(|step| step.words.join(" ")).collect()
        };
        assert_eq!(
            words(Manager::Apt, Rights::Sudo),
            [
                "sudo -n env DEBIAN_FRONTEND=noninteractive apt-get update -qq",
                "sudo -n env DEBIAN_FRONTEND=noninteractive apt-get install -y -q libopenblas-dev"
            ]
        );
        assert_eq!(words(Manager::Dnf, Rights::Own), ["dnf install -y openblas-devel"]);
        assert_eq!(
            words(Manager::Pacman, Rights::Sudo),
            ["sudo -n pacman -S --noconfirm openblas"]
        );
        assert_eq!(words(Manager::Brew, Rights::Own), ["brew install openblas"]);
    }

    #[test]
    fn only_the_update_may_fail() {
        let steps = Manager::Apt.steps(Rights::Own);
        assert_eq!(steps.iter().map(|step| step.may_fail).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn a_user_without_rights_is_told_to_use_sudo() {
        assert_eq!(Manager::Dnf.to_type(Rights::None), "sudo dnf install -y openblas-devel");
        assert_eq!(Manager::Dnf.to_type(Rights::Own), "dnf install -y openblas-devel");
        assert_eq!(Manager::Brew.to_type(Rights::None), "brew install openblas");
    }
}

use std::fmt::Debug;

use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

/// Settings with a name: what [`declare!`](crate::declare) implements.
pub trait Declared:
    Debug + Clone + PartialEq + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static
{
    /// The word for it in plan files, in results and on the command line.
    const NAME: &'static str;

    /// The settings with which law tests and benchmarks run it: its defaults, or each of its forms.
    fn forms() -> Vec<Self>;

    /// Checks what a schema cannot express, such as settings that exclude each other.
    ///
    /// # Errors
    ///
    /// What was expected and what was found.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// Gives a struct of settings the name that plan files use.
///
/// `declare!(Coral, "coral")` runs it with its `Default` in law tests and benchmarks;
/// `declare!(Ridge, "ridge", [Ridge::default(), Ridge::cross_validated()])` with each of the forms given.
/// A third form, `declare!(Svm, "svm", [...], check = Svm::checked)`, adds a function
/// `fn(&Self) -> Result<(), String>` for what the schema cannot express.
#[macro_export]
macro_rules! declare {
    ($settings:ty, $name:literal) => {
        $crate::declare!($settings, $name, [<$settings as ::core::default::Default>::default()]);
    };
    ($settings:ty, $name:literal, [$($form:expr),+ $(,)?]) => {
        impl $crate::Declared for $settings {
            const NAME: &'static str = $name;

            fn forms() -> ::std::vec::Vec<Self> {
                ::std::vec![$($form),+]
            }
        }
    };
    ($settings:ty, $name:literal, [$($form:expr),+ $(,)?], check = $check:path) => {
        impl $crate::Declared for $settings {
            const NAME: &'static str = $name;

            fn forms() -> ::std::vec::Vec<Self> {
                ::std::vec![$($form),+]
            }

            fn check(&self) -> ::core::result::Result<(), ::std::string::String> {
                $check(self)
            }
        }
    };
}

/// Lists the files of a family: one word per method.
///
/// For every `file::Type` it declares `mod file`, re-exports the type, and puts an entry for it into the family, in the
/// order of the list. The function that returns the family exists under the feature `settings` of the
/// crate that calls the macro. `rustfmt` does not follow modules that a macro declares: such files are
/// formatted by name.
///
/// ```text
/// procrust_settings::methods! {
///     /// Methods that learn from paired rows.
///     pub fn paired_methods: dyn AlignPaired = "method" {
///         procrust::Procrustes,
///         low_rank::LowRank,
///     }
/// }
/// ```
#[macro_export]
macro_rules! methods {
    ($(#[$doc:meta])* $vis:vis fn $list:ident: dyn $object:path = $what:literal {
        $($file:ident :: $settings:ident),+ $(,)?
    }) => {
        $(
            mod $file;
            pub use $file::$settings;
        )+

        $(#[$doc])*
        #[cfg(feature = "settings")]
        $vis fn $list() -> $crate::Family<dyn $object> {
            $crate::Family::new(
                $what,
                [$($crate::Entry::new(|settings: $settings| {
                    ::std::sync::Arc::new(settings) as ::std::sync::Arc<dyn $object>
                })),+],
            )
        }
    };
}

//! Settings that take a value or one word: `components = 20` or `components = "auto"`.

/// A module for `#[serde(with = …)]` on an `Option<T>` that stands for `T` or a word (`None`), and a type with its
/// schema for `#[schemars(with = …)]`.
macro_rules! or_word {
    ($module:ident, $schema:ident, $word:literal) => {
        #[doc = concat!("The schema of a setting that takes a value or the word `\"", $word, "\"`.")]
        #[derive(Debug, Clone, Copy)]
        pub struct $schema<T>(std::marker::PhantomData<T>);

        impl<T: schemars::JsonSchema> schemars::JsonSchema for $schema<T> {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                concat!("Or-", $word).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let value = T::json_schema(generator);
                schemars::json_schema!({ "anyOf": [value, { "const": $word }] })
            }
        }

        #[doc = concat!("For `#[serde(with = …)]`: `None` is the word `\"", $word, "\"`.")]
        pub mod $module {
            use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

            /// Writes the value, or the word for `None`.
            ///
            /// # Errors
            ///
            /// Those of the serializer.
            pub fn serialize<T: Serialize, S: Serializer>(
                value: &Option<T>,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                match value {
                    Some(value) => value.serialize(serializer),
                    None => serializer.serialize_str($word),
                }
            }

            #[derive(Deserialize)]
            #[serde(untagged)]
            enum Either<T> {
                Word(String),
                Value(T),
            }

            /// Reads the value, or the word as `None`.
            ///
            /// # Errors
            ///
            /// Those of the deserializer, and an error for any other word.
            pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Option<T>, D::Error> {
                match Either::deserialize(deserializer)? {
                    Either::Value(value) => Ok(Some(value)),
                    Either::Word(word) if word == $word => Ok(None),
                    Either::Word(word) => {
                        Err(D::Error::custom(format!("expected {:?}, found {word:?}", $word)))
                    }
                }
            }
        }
    };
}

or_word!(or_auto, OrAuto, "auto");
or_word!(or_all, OrAll, "all");
or_word!(or_any, OrAny, "any");
or_word!(or_scale, OrScale, "scale");
or_word!(or_ledoit_wolf, OrLedoitWolf, "ledoit-wolf");

//! What a Dockerfile builds on.

/// The images that its stages begin with, but for stages of its own and nothing at all.
pub(crate) fn bases(text: &str) -> Vec<&str> {
    let mut stages: Vec<&str> = Vec::new();
    let mut bases = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if !words.next().is_some_and(|word| word.eq_ignore_ascii_case("from")) {
            continue;
        }
        let mut words = words.skip_while(|word| word.starts_with("--"));
        let Some(image) = words.next() else { continue };
        if image != "scratch" && !stages.contains(&image) {
            bases.push(image);
        }
        // `AS name`
        stages.extend(words.nth(1));
    }
    bases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_has_its_base() {
        let text = "# FROM nothing\nFROM --platform=linux/amd64 rust:1.2.3 AS build\nRUN true\n\
                    FROM build AS more\nfrom debian:x\nFROM scratch\nCOPY --from=build /a /b\n";
        assert_eq!(bases(text), ["rust:1.2.3", "debian:x"]);
    }
}

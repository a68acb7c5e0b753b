//! Puts the browser pages where the compiler finds them: those that `scripts/web.sh` made, whose folder `CHIME_WEB_DIR`
//! names, or else a page that says how to make them.

use std::path::PathBuf;
use std::{env, fs, io};

/// What is shown when the pages were not made.
const MISSING: &str = "<!doctype html><meta charset=utf-8><title>chime</title><p>This server was built without its \
                       browser pages. Build it with <code>make run</code>, or set <code>CHIME_WEB_DIR</code> to the \
                       folder that <code>scripts/web.sh</code> prints.";

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-env-changed=CHIME_WEB_DIR");
    println!("cargo:rerun-if-changed=build.rs");
    let out = env::var_os("OUT_DIR").map(PathBuf::from).ok_or(io::ErrorKind::NotFound)?;
    let made =
        env::var_os("CHIME_WEB_DIR").map(PathBuf::from).filter(|dir| dir.join("meeting.html").is_file());
    for (name, missing) in [("meeting.html", MISSING), ("meeting.js", "")] {
        match &made {
            Some(dir) => {
                println!("cargo:rerun-if-changed={}", dir.join(name).display());
                fs::copy(dir.join(name), out.join(name))?;
            }
            None => fs::write(out.join(name), missing)?,
        }
    }
    Ok(())
}

//! A shelf: keeps a file piece by piece, reads it back, and throws it away.
//!
//! ```sh
//! cargo run -p campanile-adapter-file --example shelf -- Cargo.toml
//! ```

#![expect(clippy::print_stdout, reason = "it is an example that shows something")]

use bytes::Bytes;
use campanile_adapter_file::FileBlobs;
use campanile_core::{port::BlobStore, upload::UploadId};
use std::{error::Error, io::Read};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "Cargo.toml".to_owned());
    let shelf = tempfile::tempdir()?;
    let blobs = FileBlobs::open(shelf.path())?;

    let mut file = std::fs::File::open(&path)?;
    let mut writer = blobs.create().await?;
    let mut piece = [0; 16 * 1024];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            break;
        }
        writer.write(Bytes::copy_from_slice(&piece[..read])).await?;
    }
    let id = UploadId(rand::random());
    writer.keep(id).await?;
    println!("{path} is kept as {id}");

    let mut reader = blobs.read(id).await?.ok_or("it was kept just now")?;
    let mut bytes = 0;
    while let Some(piece) = reader.read().await? {
        bytes += piece.len();
    }
    println!("{bytes} bytes were read back");
    println!("thrown away: {}", blobs.delete(id).await?);
    Ok(())
}

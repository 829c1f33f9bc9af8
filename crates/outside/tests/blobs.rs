//! Local blobs on a real file system.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use std::{fs, path::Path, sync::Arc};

use base::{Clock as _, Id, Kind, SystemClock, TenantId};
use bytes::Bytes;
use engine::outside::{BlobRef, Blobs};
use outside::LocalBlobs;

fn tenant(number: u128) -> TenantId {
    Id::from_uuid(format!("{number:032x}").parse::<uuid::Uuid>().unwrap())
}

async fn store(blobs: &LocalBlobs, tenant: TenantId, content: &[u8], piece: usize) -> BlobRef {
    let mut writer = blobs.begin(tenant).await.unwrap();
    for piece in content.chunks(piece) {
        writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    writer.finish().await.unwrap()
}

fn files(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
}

#[tokio::test]
async fn content_comes_back_and_belongs_to_one_tenant() {
    let data = tempfile::tempdir().unwrap();
    let blobs = LocalBlobs::open(data.path()).unwrap();
    let content: Vec<u8> = (0..1_500_000u32).map(|i| (i * 31 % 251) as u8).collect();
    for (length, piece) in [(0, 1), (1, 1), (1_500_000, 7777), (1_500_000, 1_500_000)] {
        let blob = store(&blobs, tenant(1), &content[..length], piece).await;
        assert_eq!(blob.size_bytes, length as u64);
        let reader = blobs.open(tenant(1), blob.sha256).await.unwrap();
        assert_eq!(reader.size_bytes, length as u64);
        assert!(reader.collect(2_000_000).await.unwrap() == content[..length]);
        assert_eq!(blobs.open(tenant(2), blob.sha256).await.unwrap_err().kind(), Kind::NotFound);
        assert!(!blobs.exists(tenant(2), blob.sha256).await.unwrap());
    }
    assert_eq!(blobs.list(tenant(1)).await.unwrap().len(), 3);
    assert_eq!(blobs.list(tenant(2)).await.unwrap(), []);

    let known = store(&blobs, tenant(2), b"abc", 3).await;
    assert_eq!(known.sha256.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    let too_much = blobs.open(tenant(2), known.sha256).await.unwrap().collect(2).await;
    assert_eq!(too_much.unwrap_err().kind(), Kind::TooLarge);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_upload_many_times_at_once_is_one_file() {
    let data = tempfile::tempdir().unwrap();
    let blobs = Arc::new(LocalBlobs::open(data.path()).unwrap());
    let content = vec![7; 600_000];
    let uploads: Vec<_> = (0..16)
        .map(|_| {
            let (blobs, content) = (blobs.clone(), content.clone());
            tokio::spawn(async move { store(&blobs, tenant(1), &content, 100_000).await })
        })
        .collect();
    for upload in uploads {
        let blob = upload.await.unwrap();
        assert!(
            blobs.open(tenant(1), blob.sha256).await.unwrap().collect(1_000_000).await.unwrap() == content
        );
    }
    assert_eq!(files(data.path()), 1);
}

#[tokio::test]
async fn what_was_not_finished_is_not_there() {
    let data = tempfile::tempdir().unwrap();
    let blobs = LocalBlobs::open(data.path()).unwrap();
    for abort in [true, false] {
        let mut writer = blobs.begin(tenant(1)).await.unwrap();
        writer.write(Bytes::from(vec![1; 400_000])).await.unwrap();
        assert_eq!(files(data.path()), 1);
        if abort {
            writer.abort().await
        } else {
            drop(writer)
        }
        assert_eq!(files(data.path()), 0);
    }
    assert_eq!(blobs.list(tenant(1)).await.unwrap(), []);
}

#[tokio::test]
async fn leftovers_of_a_crash_go_and_uploads_of_a_running_server_stay() {
    let data = tempfile::tempdir().unwrap();
    let server = LocalBlobs::open(data.path()).unwrap();
    let mut writer = server.begin(tenant(1)).await.unwrap();
    writer.write(Bytes::from(vec![1; 400_000])).await.unwrap();
    fs::write(data.path().join("tmp/999-0.tmp"), "half a file").unwrap();
    // Another process, such as `backup`, opens the same folder meanwhile.
    LocalBlobs::open(data.path()).unwrap();
    assert_eq!(files(data.path()), 1);
    let blob = writer.finish().await.unwrap();
    assert!(server.exists(tenant(1), blob.sha256).await.unwrap());
}

#[tokio::test]
async fn a_changed_or_cut_file_is_found_out() {
    let data = tempfile::tempdir().unwrap();
    let blobs = LocalBlobs::open(data.path()).unwrap();
    let blob = store(&blobs, tenant(1), b"the truth", 9).await;
    let name = blob.sha256.to_string();
    let path = data.path().join(tenant(1).to_string()).join(&name[..2]).join(&name);
    for wrong in ["the lies!", "the"] {
        fs::write(&path, wrong).unwrap();
        let error = blobs.open(tenant(1), blob.sha256).await.unwrap().collect(100).await.unwrap_err();
        assert_eq!(error.code(), "blob.corrupt");
    }
    // Uploading it again mends a file that was cut.
    store(&blobs, tenant(1), b"the truth", 9).await;
    assert_eq!(blobs.open(tenant(1), blob.sha256).await.unwrap().collect(100).await.unwrap(), b"the truth");
}

#[tokio::test]
async fn a_disk_without_room_says_so_beforehand() {
    let data = tempfile::tempdir().unwrap();
    let blobs = LocalBlobs::open(data.path()).unwrap();
    blobs.check_free(1).await.unwrap();
    assert_eq!(blobs.check_free(u64::MAX).await.unwrap_err().kind(), Kind::StorageFull);
}

#[tokio::test]
async fn what_is_removed_is_gone_unless_somebody_stored_it_again() {
    let data = tempfile::tempdir().unwrap();
    let blobs = LocalBlobs::open(data.path()).unwrap();
    let blob = store(&blobs, tenant(1), b"of a customer", 20).await;
    store(&blobs, tenant(2), b"of a customer", 20).await;
    let (hour_ago, soon) = (SystemClock.now() - base::hours(1), SystemClock.now() + base::minutes(1));
    assert!(!blobs.remove(tenant(1), blob.sha256, hour_ago).await.unwrap(), "it was stored since");
    assert_eq!(
        blobs.open(tenant(1), blob.sha256).await.unwrap().collect(100).await.unwrap(),
        b"of a customer"
    );
    // Storing what is there makes it young again.
    let name = blob.sha256.to_string();
    let path = data.path().join(tenant(1).to_string()).join(&name[..2]).join(&name);
    let old = std::time::SystemTime::from(SystemClock.now() - base::hours(2));
    fs::File::open(&path).unwrap().set_modified(old).unwrap();
    store(&blobs, tenant(1), b"of a customer", 20).await;
    assert!(!blobs.remove(tenant(1), blob.sha256, hour_ago).await.unwrap());
    fs::File::open(&path).unwrap().set_modified(old).unwrap();
    assert!(blobs.remove(tenant(1), blob.sha256, hour_ago).await.unwrap());
    assert!(!blobs.exists(tenant(1), blob.sha256).await.unwrap());
    assert!(blobs.remove(tenant(1), blob.sha256, soon).await.unwrap(), "again is no error");
    assert!(blobs.exists(tenant(2), blob.sha256).await.unwrap(), "the neighbour's is another");
    assert_eq!(files(data.path()), 1);
}

#[tokio::test]
async fn whoever_stores_while_another_removes_finds_it_stored() {
    let data = tempfile::tempdir().unwrap();
    let blobs = Arc::new(LocalBlobs::open(data.path()).unwrap());
    let blob = store(&blobs, tenant(1), b"wanted", 20).await;
    for _ in 0..200 {
        // Old enough to go, and stored again at the same moment.
        let name = blob.sha256.to_string();
        let path = data.path().join(tenant(1).to_string()).join(&name[..2]).join(&name);
        let old = std::time::SystemTime::from(SystemClock.now() - base::hours(2));
        fs::File::open(&path).unwrap().set_modified(old).unwrap();
        let hour_ago = SystemClock.now() - base::hours(1);
        let remover = {
            let blobs = blobs.clone();
            tokio::spawn(async move { blobs.remove(tenant(1), blob.sha256, hour_ago).await.unwrap() })
        };
        store(&blobs, tenant(1), b"wanted", 20).await;
        remover.await.unwrap();
        assert_eq!(blobs.open(tenant(1), blob.sha256).await.unwrap().collect(100).await.unwrap(), b"wanted");
    }
    assert_eq!(files(data.path()), 1, "nothing is left aside");
}

#[tokio::test]
async fn what_a_crash_left_aside_is_where_it_was() {
    let data = tempfile::tempdir().unwrap();
    let blobs = LocalBlobs::open(data.path()).unwrap();
    let blob = store(&blobs, tenant(1), b"half removed", 20).await;
    let name = blob.sha256.to_string();
    let path = data.path().join(tenant(1).to_string()).join(&name[..2]).join(&name);
    fs::rename(&path, data.path().join(format!("tmp/{}.{name}.aside", tenant(1)))).unwrap();
    let again = LocalBlobs::open(data.path()).unwrap();
    assert!(again.exists(tenant(1), blob.sha256).await.unwrap());
    assert_eq!(files(data.path()), 1);
}

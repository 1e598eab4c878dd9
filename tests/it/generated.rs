use crate::support::describe::program;
use crate::support::run;

#[test]
fn the_crd_in_the_repository_matches_the_programs_output() {
    let output = run(async { program("http://127.0.0.1:9").arg("crd").output().await.unwrap() });
    assert!(output.status.success());
    let path = crate::support::project().join("crds/customimages.parallelcluster.dev.yaml");
    let stored = std::fs::read_to_string(&path).unwrap();
    assert!(stored == String::from_utf8(output.stdout).unwrap(), "{} is stale: run `make generate`", path.display());
}

//! Networks from files; those of the tests of `procrust-images`.

use std::path::{Path, PathBuf};

use procrust_onnx::{Network, OnnxError, Tensor};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../images/tests/models").join(name)
}

#[test]
fn inputs_outputs_and_runs() {
    let network = Network::open(file("nchw.onnx")).unwrap();
    let (inputs, outputs) = (network.inputs(), network.outputs());
    assert_eq!((inputs.len(), outputs[0].name()), (1, "scores"));
    let [images, channels, height, width] = *inputs[0].shape().unwrap() else {
        panic!("four axes")
    };
    let shape = [images.unwrap_or(1), channels.unwrap_or(3), height.unwrap(), width.unwrap()];
    let count = shape.iter().product();
    let given = || vec![(&inputs[0], Tensor::floats(&shape, vec![0.5; count]))];
    let found = network.run(given(), &outputs[0]).unwrap();
    assert_eq!(found.shape.iter().product::<usize>(), found.values.len());
    assert_eq!(network.run(given(), &outputs[0]).unwrap(), found);

    // What is inside, where nothing is fused.
    let whole = Network::open_unfused(file("nchw.onnx")).unwrap();
    let map = whole.find("map").unwrap();
    let inside = whole.run(vec![(&whole.inputs()[0], given().remove(0).1)], &map).unwrap();
    assert_eq!(inside.shape.len(), 4);
    assert_eq!(whole.find("nothing"), None);
}

#[test]
fn errors() {
    let error = Network::open(file("missing.onnx")).unwrap_err();
    assert!(matches!(&error, OnnxError::Load { reason } if reason.contains("Bewilder")), "{error}");
    let error = Network::open(file("no such file")).unwrap_err();
    assert!(matches!(error, OnnxError::Load { .. }), "{error}");

    let network = Network::open(file("nchw.onnx")).unwrap();
    let (inputs, outputs) = (network.inputs(), network.outputs());
    let flat = Tensor::integers(&[1], vec![1]);
    let error = network.run(vec![(&inputs[0], flat)], &outputs[0]).unwrap_err();
    assert!(matches!(error, OnnxError::Run { .. }), "{error}");
}

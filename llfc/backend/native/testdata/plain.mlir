module @m {
  func.func @native__forward__1_1__3(%0: tensor<1x4x4x2xf32>, %1: tensor<3x3x2x2xf32>) -> tensor<1x4x4x2xf32> {
    "stablehlo.return"(%0) : (tensor<1x4x4x2xf32>) -> ()
  }

  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    "stablehlo.return"(%x) : (tensor<4xf32>) -> ()
  }
}

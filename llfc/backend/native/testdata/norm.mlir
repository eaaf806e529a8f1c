module @m {
  func.func @native__moments____12(%0: tensor<4x16xf32>) -> (tensor<16xf32>, tensor<16xf32>) {
    %1 = "stablehlo.constant"() { value = dense<"}"> } : () -> tensor<16xf32>
    %2 = "stablehlo.reduce"(%0, %1) ({
      ^reduce(%a: tensor<f32>, %b: tensor<f32>):
        %c = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
        "stablehlo.return"(%c) : (tensor<f32>) -> ()
    }) { dimensions = array<i64: 0> } : (tensor<4x16xf32>, tensor<f32>) -> tensor<16xf32>
    "stablehlo.return"(%2, %2) : (tensor<16xf32>, tensor<16xf32>) -> ()
  }

  func.func @other(%0: tensor<4x16xf32>) -> tensor<4x16xf32> {
    "stablehlo.return"(%0) : (tensor<4x16xf32>) -> ()
  }

  func.func @main(%x: tensor<4x16xf32>) -> (tensor<16xf32>, tensor<16xf32>) {
    %0 = "func.call"(%x) { callee = @other } : (tensor<4x16xf32>) -> tensor<4x16xf32>
    %1, %2 = "func.call"(%0) { callee = @native__moments____12 } : (tensor<4x16xf32>) -> (tensor<16xf32>, tensor<16xf32>)
    "stablehlo.return"(%1, %2) : (tensor<16xf32>, tensor<16xf32>) -> ()
  }
}

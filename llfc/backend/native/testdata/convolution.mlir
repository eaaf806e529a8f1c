module @convolution {
  func.func @main(%arg0: tensor<2x6x5x3xf32>, %arg1: tensor<3x3x3x4xf32>, %arg2: tensor<2x3x3x4xf32>) -> (tensor<2x3x3x4xf32>, tensor<2x6x5x3xf32>, tensor<3x3x3x4xf32>) {
    %0 = "stablehlo.slice"(%arg0) {
      limit_indices = array<i64: 1, 1, 1, 1>,
      start_indices = array<i64: 0, 0, 0, 0>,
      strides = array<i64: 1, 1, 1, 1>
    } : (tensor<2x6x5x3xf32>) -> tensor<1x1x1x1xf32>
    %1 = "stablehlo.reshape"(%0) : (tensor<1x1x1x1xf32>) -> tensor<f32>
    %2 = "stablehlo.slice"(%arg1) {
      limit_indices = array<i64: 1, 1, 1, 1>,
      start_indices = array<i64: 0, 0, 0, 0>,
      strides = array<i64: 1, 1, 1, 1>
    } : (tensor<3x3x3x4xf32>) -> tensor<1x1x1x1xf32>
    %3 = "stablehlo.reshape"(%2) : (tensor<1x1x1x1xf32>) -> tensor<f32>
    %4 = "stablehlo.add"(%1, %3) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %5 = "func.call"(%arg0, %arg1) { callee = @native__forward__2_1__12 } : (tensor<2x6x5x3xf32>, tensor<3x3x3x4xf32>) -> tensor<2x3x3x4xf32>
    %6 = "stablehlo.broadcast_in_dim"(%4) { broadcast_dimensions = array<i64> } : (tensor<f32>) -> tensor<2x3x3x4xf32>
    %7 = "stablehlo.constant"() { value = dense<true> : tensor<i1> } : () -> tensor<i1>
    %8 = "stablehlo.broadcast_in_dim"(%7) { broadcast_dimensions = array<i64> } : (tensor<i1>) -> tensor<2x3x3x4xi1>
    %9 = "stablehlo.select"(%8, %5, %6) : (tensor<2x3x3x4xi1>, tensor<2x3x3x4xf32>, tensor<2x3x3x4xf32>) -> tensor<2x3x3x4xf32>
    %10 = "stablehlo.constant"() { value = dense<0.5> : tensor<f32> } : () -> tensor<f32>
    %11 = "stablehlo.broadcast_in_dim"(%10) { broadcast_dimensions = array<i64> } : (tensor<f32>) -> tensor<2x3x3x4xf32>
    %12 = "stablehlo.multiply"(%arg2, %11) : (tensor<2x3x3x4xf32>, tensor<2x3x3x4xf32>) -> tensor<2x3x3x4xf32>
    %13 = "stablehlo.multiply"(%9, %12) : (tensor<2x3x3x4xf32>, tensor<2x3x3x4xf32>) -> tensor<2x3x3x4xf32>
    %15 = "stablehlo.constant"() { value = dense<0.0> : tensor<f32> } : () -> tensor<f32>
    %16 = "stablehlo.reduce"(%13, %15) ({
      ^reductionFn(%lhs: tensor<f32>, %rhs: tensor<f32>) :
          %14 = "stablehlo.add"(%lhs, %rhs) : (tensor<f32>, tensor<f32>) -> tensor<f32>
          "stablehlo.return"(%14) : (tensor<f32>) -> ()
    }) { dimensions = array<i64: 0, 1, 2, 3> } : (tensor<2x3x3x4xf32>, tensor<f32>) -> tensor<f32>
    %17 = "stablehlo.multiply"(%12, %9) : (tensor<2x3x3x4xf32>, tensor<2x3x3x4xf32>) -> tensor<2x3x3x4xf32>
    %18 = "stablehlo.constant"() { value = dense<0.0> : tensor<f32> } : () -> tensor<f32>
    %19 = "stablehlo.reduce"(%17, %18) ({
      ^reductionFn(%lhs: tensor<f32>, %rhs: tensor<f32>) :
          %14 = "stablehlo.add"(%lhs, %rhs) : (tensor<f32>, tensor<f32>) -> tensor<f32>
          "stablehlo.return"(%14) : (tensor<f32>) -> ()
    }) { dimensions = array<i64: 0, 1, 2, 3> } : (tensor<2x3x3x4xf32>, tensor<f32>) -> tensor<f32>
    %20 = "stablehlo.add"(%16, %19) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %21 = "stablehlo.constant"() { value = dense<1.0> : tensor<f32> } : () -> tensor<f32>
    %22 = "stablehlo.reshape"(%21) : (tensor<f32>) -> tensor<1x1x1x1xf32>
    %23 = "stablehlo.broadcast_in_dim"(%22) { broadcast_dimensions = array<i64: 0, 1, 2, 3> } : (tensor<1x1x1x1xf32>) -> tensor<2x3x3x4xf32>
    %24 = "stablehlo.multiply"(%23, %9) : (tensor<2x3x3x4xf32>, tensor<2x3x3x4xf32>) -> tensor<2x3x3x4xf32>
    %25 = "stablehlo.multiply"(%23, %12) : (tensor<2x3x3x4xf32>, tensor<2x3x3x4xf32>) -> tensor<2x3x3x4xf32>
    %26 = "stablehlo.reshape"(%21) : (tensor<f32>) -> tensor<1x1x1x1xf32>
    %27 = "stablehlo.broadcast_in_dim"(%26) { broadcast_dimensions = array<i64: 0, 1, 2, 3> } : (tensor<1x1x1x1xf32>) -> tensor<2x3x3x4xf32>
    %28 = "stablehlo.multiply"(%27, %12) : (tensor<2x3x3x4xf32>, tensor<2x3x3x4xf32>) -> tensor<2x3x3x4xf32>
    %29 = "stablehlo.multiply"(%27, %9) : (tensor<2x3x3x4xf32>, tensor<2x3x3x4xf32>) -> tensor<2x3x3x4xf32>
    %30 = "stablehlo.add"(%25, %28) : (tensor<2x3x3x4xf32>, tensor<2x3x3x4xf32>) -> tensor<2x3x3x4xf32>
    %31 = "stablehlo.add"(%24, %29) : (tensor<2x3x3x4xf32>, tensor<2x3x3x4xf32>) -> tensor<2x3x3x4xf32>
    %32 = "stablehlo.constant"() { value = dense<0.0> : tensor<f32> } : () -> tensor<f32>
    %33 = "stablehlo.broadcast_in_dim"(%32) { broadcast_dimensions = array<i64> } : (tensor<f32>) -> tensor<2x3x3x4xf32>
    %34 = "stablehlo.broadcast_in_dim"(%7) { broadcast_dimensions = array<i64> } : (tensor<i1>) -> tensor<2x3x3x4xi1>
    %35 = "stablehlo.select"(%34, %30, %33) : (tensor<2x3x3x4xi1>, tensor<2x3x3x4xf32>, tensor<2x3x3x4xf32>) -> tensor<2x3x3x4xf32>
    %36 = "stablehlo.broadcast_in_dim"(%7) { broadcast_dimensions = array<i64> } : (tensor<i1>) -> tensor<2x3x3x4xi1>
    %37 = "stablehlo.select"(%36, %33, %30) : (tensor<2x3x3x4xi1>, tensor<2x3x3x4xf32>, tensor<2x3x3x4xf32>) -> tensor<2x3x3x4xf32>
    %38 = "stablehlo.constant"() { value = dense<0.0> : tensor<f32> } : () -> tensor<f32>
    %39 = "stablehlo.reduce"(%37, %38) ({
      ^reductionFn(%lhs: tensor<f32>, %rhs: tensor<f32>) :
          %14 = "stablehlo.add"(%lhs, %rhs) : (tensor<f32>, tensor<f32>) -> tensor<f32>
          "stablehlo.return"(%14) : (tensor<f32>) -> ()
    }) { dimensions = array<i64: 0, 1, 2, 3> } : (tensor<2x3x3x4xf32>, tensor<f32>) -> tensor<f32>
    %40 = "stablehlo.reshape"(%39) : (tensor<f32>) -> tensor<1x1x1x1xf32>
    %41 = "stablehlo.pad"(%40, %32) {
      edge_padding_high = array<i64: 2, 2, 2, 3>,
      edge_padding_low = array<i64: 0, 0, 0, 0>,
      interior_padding = array<i64: 0, 0, 0, 0>
    } : (tensor<1x1x1x1xf32>, tensor<f32>) -> tensor<3x3x3x4xf32>
    %42 = "func.call"(%30, %arg1) { callee = @native__input_gradient__2_1__47 } : (tensor<2x3x3x4xf32>, tensor<3x3x3x4xf32>) -> tensor<2x6x5x3xf32>
    %43 = "func.call"(%arg0, %30) { callee = @native__weight_gradient__2_1__54 } : (tensor<2x6x5x3xf32>, tensor<2x3x3x4xf32>) -> tensor<3x3x3x4xf32>
    %44 = "stablehlo.reshape"(%39) : (tensor<f32>) -> tensor<1x1x1x1xf32>
    %45 = "stablehlo.pad"(%44, %32) {
      edge_padding_high = array<i64: 1, 5, 4, 2>,
      edge_padding_low = array<i64: 0, 0, 0, 0>,
      interior_padding = array<i64: 0, 0, 0, 0>
    } : (tensor<1x1x1x1xf32>, tensor<f32>) -> tensor<2x6x5x3xf32>
    "stablehlo.return"(%9, %42, %43) : (tensor<2x3x3x4xf32>, tensor<2x6x5x3xf32>, tensor<3x3x3x4xf32>) -> ()
  }

  func.func @native__forward__2_1__12(%forward0: tensor<2x6x5x3xf32>, %forward1: tensor<3x3x3x4xf32>) -> tensor<2x3x3x4xf32> {
    %0 = "stablehlo.convolution"(%forward0, %forward1) {
      batch_group_count = 1 : i64,
      dimension_numbers = #stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]>,
      feature_group_count = 1 : i64,
      lhs_dilation = array<i64: 1, 1>,
      padding = dense<[[1, 1], [1, 1]]> : tensor<2x2xi64>,
      precision_config = [#stablehlo<precision DEFAULT>, #stablehlo<precision DEFAULT>],
      rhs_dilation = array<i64: 1, 1>,
      window_reversal = array<i1: false, false>,
      window_strides = array<i64: 2, 2>
    } : (tensor<2x6x5x3xf32>, tensor<3x3x3x4xf32>) -> tensor<2x3x3x4xf32>
    "stablehlo.return"(%0) : (tensor<2x3x3x4xf32>) -> ()
  }

  func.func @native__input_gradient__2_1__47(%input_gradient0: tensor<2x3x3x4xf32>, %input_gradient1: tensor<3x3x3x4xf32>) -> tensor<2x6x5x3xf32> {
    %0 = "stablehlo.reverse"(%input_gradient1) { dimensions = array<i64: 0, 1> } : (tensor<3x3x3x4xf32>) -> tensor<3x3x3x4xf32>
    %1 = "stablehlo.transpose"(%0) { permutation = array<i64: 0, 1, 3, 2> } : (tensor<3x3x3x4xf32>) -> tensor<3x3x4x3xf32>
    %2 = "stablehlo.convolution"(%input_gradient0, %1) {
      batch_group_count = 1 : i64,
      dimension_numbers = #stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]>,
      feature_group_count = 1 : i64,
      lhs_dilation = array<i64: 2, 2>,
      padding = dense<[[1, 2], [1, 1]]> : tensor<2x2xi64>,
      precision_config = [#stablehlo<precision DEFAULT>, #stablehlo<precision DEFAULT>],
      rhs_dilation = array<i64: 1, 1>,
      window_reversal = array<i1: false, false>,
      window_strides = array<i64: 1, 1>
    } : (tensor<2x3x3x4xf32>, tensor<3x3x4x3xf32>) -> tensor<2x6x5x3xf32>
    "stablehlo.return"(%2) : (tensor<2x6x5x3xf32>) -> ()
  }

  func.func @native__weight_gradient__2_1__54(%weight_gradient0: tensor<2x6x5x3xf32>, %weight_gradient1: tensor<2x3x3x4xf32>) -> tensor<3x3x3x4xf32> {
    %0 = "stablehlo.slice"(%weight_gradient0) {
      limit_indices = array<i64: 2, 6, 5, 3>,
      start_indices = array<i64: 0, 0, 0, 0>,
      strides = array<i64: 1, 1, 1, 1>
    } : (tensor<2x6x5x3xf32>) -> tensor<2x6x5x3xf32>
    %1 = "stablehlo.convolution"(%0, %weight_gradient1) {
      batch_group_count = 1 : i64,
      dimension_numbers = #stablehlo.conv<[f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f]>,
      feature_group_count = 1 : i64,
      lhs_dilation = array<i64: 1, 1>,
      padding = dense<[[1, 0], [1, 1]]> : tensor<2x2xi64>,
      precision_config = [#stablehlo<precision DEFAULT>, #stablehlo<precision DEFAULT>],
      rhs_dilation = array<i64: 2, 2>,
      window_reversal = array<i1: false, false>,
      window_strides = array<i64: 1, 1>
    } : (tensor<2x6x5x3xf32>, tensor<2x3x3x4xf32>) -> tensor<3x3x3x4xf32>
    "stablehlo.return"(%1) : (tensor<3x3x3x4xf32>) -> ()
  }
}

#include "textflag.h"

// Both hold the sums of a tile in registers while they walk the columns: one load of 16 units of b, and for each unit of a
// its value in all lanes, multiplied and added. At the end the float32 sums are added to the float64 totals.

// Six units of a (of the twelve in a column) and 16 of b.
//
// func tileAVX2(a, b *float32, k int, c *float64, stride int)
TEXT ·tileAVX2(SB), NOSPLIT, $0-40
	MOVQ   a+0(FP), SI
	MOVQ   b+8(FP), DI
	MOVQ   k+16(FP), CX
	MOVQ   c+24(FP), DX
	MOVQ   stride+32(FP), R8
	SHLQ   $3, R8
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7
	VXORPS Y8, Y8, Y8
	VXORPS Y9, Y9, Y9
	VXORPS Y10, Y10, Y10
	VXORPS Y11, Y11, Y11
	VXORPS Y12, Y12, Y12
	VXORPS Y13, Y13, Y13
	VXORPS Y14, Y14, Y14
	VXORPS Y15, Y15, Y15

columns:
	VMOVUPS      (DI), Y0
	VMOVUPS      32(DI), Y1
	VBROADCASTSS (SI), Y2
	VFMADD231PS  Y0, Y2, Y4
	VFMADD231PS  Y1, Y2, Y5
	VBROADCASTSS 4(SI), Y3
	VFMADD231PS  Y0, Y3, Y6
	VFMADD231PS  Y1, Y3, Y7
	VBROADCASTSS 8(SI), Y2
	VFMADD231PS  Y0, Y2, Y8
	VFMADD231PS  Y1, Y2, Y9
	VBROADCASTSS 12(SI), Y3
	VFMADD231PS  Y0, Y3, Y10
	VFMADD231PS  Y1, Y3, Y11
	VBROADCASTSS 16(SI), Y2
	VFMADD231PS  Y0, Y2, Y12
	VFMADD231PS  Y1, Y2, Y13
	VBROADCASTSS 20(SI), Y3
	VFMADD231PS  Y0, Y3, Y14
	VFMADD231PS  Y1, Y3, Y15
	ADDQ         $48, SI
	ADDQ         $64, DI
	DECQ         CX
	JNZ          columns

	VCVTPS2PD    X4, Y0
	VEXTRACTF128 $1, Y4, X1
	VCVTPS2PD    X1, Y1
	VADDPD       (DX), Y0, Y0
	VADDPD       32(DX), Y1, Y1
	VMOVUPD      Y0, (DX)
	VMOVUPD      Y1, 32(DX)
	VCVTPS2PD    X5, Y0
	VEXTRACTF128 $1, Y5, X1
	VCVTPS2PD    X1, Y1
	VADDPD       64(DX), Y0, Y0
	VADDPD       96(DX), Y1, Y1
	VMOVUPD      Y0, 64(DX)
	VMOVUPD      Y1, 96(DX)
	ADDQ         R8, DX
	VCVTPS2PD    X6, Y0
	VEXTRACTF128 $1, Y6, X1
	VCVTPS2PD    X1, Y1
	VADDPD       (DX), Y0, Y0
	VADDPD       32(DX), Y1, Y1
	VMOVUPD      Y0, (DX)
	VMOVUPD      Y1, 32(DX)
	VCVTPS2PD    X7, Y0
	VEXTRACTF128 $1, Y7, X1
	VCVTPS2PD    X1, Y1
	VADDPD       64(DX), Y0, Y0
	VADDPD       96(DX), Y1, Y1
	VMOVUPD      Y0, 64(DX)
	VMOVUPD      Y1, 96(DX)
	ADDQ         R8, DX
	VCVTPS2PD    X8, Y0
	VEXTRACTF128 $1, Y8, X1
	VCVTPS2PD    X1, Y1
	VADDPD       (DX), Y0, Y0
	VADDPD       32(DX), Y1, Y1
	VMOVUPD      Y0, (DX)
	VMOVUPD      Y1, 32(DX)
	VCVTPS2PD    X9, Y0
	VEXTRACTF128 $1, Y9, X1
	VCVTPS2PD    X1, Y1
	VADDPD       64(DX), Y0, Y0
	VADDPD       96(DX), Y1, Y1
	VMOVUPD      Y0, 64(DX)
	VMOVUPD      Y1, 96(DX)
	ADDQ         R8, DX
	VCVTPS2PD    X10, Y0
	VEXTRACTF128 $1, Y10, X1
	VCVTPS2PD    X1, Y1
	VADDPD       (DX), Y0, Y0
	VADDPD       32(DX), Y1, Y1
	VMOVUPD      Y0, (DX)
	VMOVUPD      Y1, 32(DX)
	VCVTPS2PD    X11, Y0
	VEXTRACTF128 $1, Y11, X1
	VCVTPS2PD    X1, Y1
	VADDPD       64(DX), Y0, Y0
	VADDPD       96(DX), Y1, Y1
	VMOVUPD      Y0, 64(DX)
	VMOVUPD      Y1, 96(DX)
	ADDQ         R8, DX
	VCVTPS2PD    X12, Y0
	VEXTRACTF128 $1, Y12, X1
	VCVTPS2PD    X1, Y1
	VADDPD       (DX), Y0, Y0
	VADDPD       32(DX), Y1, Y1
	VMOVUPD      Y0, (DX)
	VMOVUPD      Y1, 32(DX)
	VCVTPS2PD    X13, Y0
	VEXTRACTF128 $1, Y13, X1
	VCVTPS2PD    X1, Y1
	VADDPD       64(DX), Y0, Y0
	VADDPD       96(DX), Y1, Y1
	VMOVUPD      Y0, 64(DX)
	VMOVUPD      Y1, 96(DX)
	ADDQ         R8, DX
	VCVTPS2PD    X14, Y0
	VEXTRACTF128 $1, Y14, X1
	VCVTPS2PD    X1, Y1
	VADDPD       (DX), Y0, Y0
	VADDPD       32(DX), Y1, Y1
	VMOVUPD      Y0, (DX)
	VMOVUPD      Y1, 32(DX)
	VCVTPS2PD    X15, Y0
	VEXTRACTF128 $1, Y15, X1
	VCVTPS2PD    X1, Y1
	VADDPD       64(DX), Y0, Y0
	VADDPD       96(DX), Y1, Y1
	VMOVUPD      Y0, 64(DX)
	VMOVUPD      Y1, 96(DX)
	VZEROUPPER
	RET

// Twelve units of a and 16 of b.
//
// func tileAVX512(a, b *float32, k int, c *float64, stride int)
TEXT ·tileAVX512(SB), NOSPLIT, $0-40
	MOVQ   a+0(FP), SI
	MOVQ   b+8(FP), DI
	MOVQ   k+16(FP), CX
	MOVQ   c+24(FP), DX
	MOVQ   stride+32(FP), R8
	SHLQ   $3, R8
	VPXORD Z4, Z4, Z4
	VPXORD Z5, Z5, Z5
	VPXORD Z6, Z6, Z6
	VPXORD Z7, Z7, Z7
	VPXORD Z8, Z8, Z8
	VPXORD Z9, Z9, Z9
	VPXORD Z10, Z10, Z10
	VPXORD Z11, Z11, Z11
	VPXORD Z12, Z12, Z12
	VPXORD Z13, Z13, Z13
	VPXORD Z14, Z14, Z14
	VPXORD Z15, Z15, Z15

columns:
	VMOVUPS          (DI), Z0
	VFMADD231PS.BCST (SI), Z0, Z4
	VFMADD231PS.BCST 4(SI), Z0, Z5
	VFMADD231PS.BCST 8(SI), Z0, Z6
	VFMADD231PS.BCST 12(SI), Z0, Z7
	VFMADD231PS.BCST 16(SI), Z0, Z8
	VFMADD231PS.BCST 20(SI), Z0, Z9
	VFMADD231PS.BCST 24(SI), Z0, Z10
	VFMADD231PS.BCST 28(SI), Z0, Z11
	VFMADD231PS.BCST 32(SI), Z0, Z12
	VFMADD231PS.BCST 36(SI), Z0, Z13
	VFMADD231PS.BCST 40(SI), Z0, Z14
	VFMADD231PS.BCST 44(SI), Z0, Z15
	ADDQ             $48, SI
	ADDQ             $64, DI
	DECQ             CX
	JNZ              columns

	VCVTPS2PD        Y4, Z0
	VEXTRACTF64X4    $1, Z4, Y1
	VCVTPS2PD        Y1, Z1
	VADDPD           (DX), Z0, Z0
	VADDPD           64(DX), Z1, Z1
	VMOVUPD          Z0, (DX)
	VMOVUPD          Z1, 64(DX)
	ADDQ             R8, DX
	VCVTPS2PD        Y5, Z0
	VEXTRACTF64X4    $1, Z5, Y1
	VCVTPS2PD        Y1, Z1
	VADDPD           (DX), Z0, Z0
	VADDPD           64(DX), Z1, Z1
	VMOVUPD          Z0, (DX)
	VMOVUPD          Z1, 64(DX)
	ADDQ             R8, DX
	VCVTPS2PD        Y6, Z0
	VEXTRACTF64X4    $1, Z6, Y1
	VCVTPS2PD        Y1, Z1
	VADDPD           (DX), Z0, Z0
	VADDPD           64(DX), Z1, Z1
	VMOVUPD          Z0, (DX)
	VMOVUPD          Z1, 64(DX)
	ADDQ             R8, DX
	VCVTPS2PD        Y7, Z0
	VEXTRACTF64X4    $1, Z7, Y1
	VCVTPS2PD        Y1, Z1
	VADDPD           (DX), Z0, Z0
	VADDPD           64(DX), Z1, Z1
	VMOVUPD          Z0, (DX)
	VMOVUPD          Z1, 64(DX)
	ADDQ             R8, DX
	VCVTPS2PD        Y8, Z0
	VEXTRACTF64X4    $1, Z8, Y1
	VCVTPS2PD        Y1, Z1
	VADDPD           (DX), Z0, Z0
	VADDPD           64(DX), Z1, Z1
	VMOVUPD          Z0, (DX)
	VMOVUPD          Z1, 64(DX)
	ADDQ             R8, DX
	VCVTPS2PD        Y9, Z0
	VEXTRACTF64X4    $1, Z9, Y1
	VCVTPS2PD        Y1, Z1
	VADDPD           (DX), Z0, Z0
	VADDPD           64(DX), Z1, Z1
	VMOVUPD          Z0, (DX)
	VMOVUPD          Z1, 64(DX)
	ADDQ             R8, DX
	VCVTPS2PD        Y10, Z0
	VEXTRACTF64X4    $1, Z10, Y1
	VCVTPS2PD        Y1, Z1
	VADDPD           (DX), Z0, Z0
	VADDPD           64(DX), Z1, Z1
	VMOVUPD          Z0, (DX)
	VMOVUPD          Z1, 64(DX)
	ADDQ             R8, DX
	VCVTPS2PD        Y11, Z0
	VEXTRACTF64X4    $1, Z11, Y1
	VCVTPS2PD        Y1, Z1
	VADDPD           (DX), Z0, Z0
	VADDPD           64(DX), Z1, Z1
	VMOVUPD          Z0, (DX)
	VMOVUPD          Z1, 64(DX)
	ADDQ             R8, DX
	VCVTPS2PD        Y12, Z0
	VEXTRACTF64X4    $1, Z12, Y1
	VCVTPS2PD        Y1, Z1
	VADDPD           (DX), Z0, Z0
	VADDPD           64(DX), Z1, Z1
	VMOVUPD          Z0, (DX)
	VMOVUPD          Z1, 64(DX)
	ADDQ             R8, DX
	VCVTPS2PD        Y13, Z0
	VEXTRACTF64X4    $1, Z13, Y1
	VCVTPS2PD        Y1, Z1
	VADDPD           (DX), Z0, Z0
	VADDPD           64(DX), Z1, Z1
	VMOVUPD          Z0, (DX)
	VMOVUPD          Z1, 64(DX)
	ADDQ             R8, DX
	VCVTPS2PD        Y14, Z0
	VEXTRACTF64X4    $1, Z14, Y1
	VCVTPS2PD        Y1, Z1
	VADDPD           (DX), Z0, Z0
	VADDPD           64(DX), Z1, Z1
	VMOVUPD          Z0, (DX)
	VMOVUPD          Z1, 64(DX)
	ADDQ             R8, DX
	VCVTPS2PD        Y15, Z0
	VEXTRACTF64X4    $1, Z15, Y1
	VCVTPS2PD        Y1, Z1
	VADDPD           (DX), Z0, Z0
	VADDPD           64(DX), Z1, Z1
	VMOVUPD          Z0, (DX)
	VMOVUPD          Z1, 64(DX)
	VZEROUPPER
	RET

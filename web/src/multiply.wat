;; Four rows times a matrix, in single precision: the inner loop of the networks that find faces.
;; `rows` is [4, inner]; `kernel` is [blocks, inner, 4]; `target` receives [blocks, 4, 4], for each
;; block of four columns the four rows.
(module
  (memory (export "memory") 1)
  (func (export "multiply")
    (param $rows i32) (param $kernel i32) (param $inner i32) (param $blocks i32) (param $target i32)
    (local $row i32) (local $end i32) (local $step i32) (local $w v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $step (i32.shl (local.get $inner) (i32.const 2)))
    (loop $block
      (local.set $row (local.get $rows))
      (local.set $end (i32.add (local.get $rows) (local.get $step)))
      (local.set $a (v128.const f32x4 0 0 0 0))
      (local.set $b (v128.const f32x4 0 0 0 0))
      (local.set $c (v128.const f32x4 0 0 0 0))
      (local.set $d (v128.const f32x4 0 0 0 0))
      (loop $k
        (local.set $w (v128.load (local.get $kernel)))
        (local.set $a (f32x4.add (local.get $a)
          (f32x4.mul (local.get $w) (v128.load32_splat (local.get $row)))))
        (local.set $b (f32x4.add (local.get $b)
          (f32x4.mul (local.get $w)
            (v128.load32_splat (i32.add (local.get $row) (local.get $step))))))
        (local.set $c (f32x4.add (local.get $c)
          (f32x4.mul (local.get $w)
            (v128.load32_splat
              (i32.add (local.get $row) (i32.shl (local.get $step) (i32.const 1)))))))
        (local.set $d (f32x4.add (local.get $d)
          (f32x4.mul (local.get $w)
            (v128.load32_splat
              (i32.add (local.get $row) (i32.mul (local.get $step) (i32.const 3)))))))
        (local.set $kernel (i32.add (local.get $kernel) (i32.const 16)))
        (local.set $row (i32.add (local.get $row) (i32.const 4)))
        (br_if $k (i32.lt_u (local.get $row) (local.get $end))))
      (v128.store (local.get $target) (local.get $a))
      (v128.store offset=16 (local.get $target) (local.get $b))
      (v128.store offset=32 (local.get $target) (local.get $c))
      (v128.store offset=48 (local.get $target) (local.get $d))
      (local.set $target (i32.add (local.get $target) (i32.const 64)))
      (local.set $blocks (i32.sub (local.get $blocks) (i32.const 1)))
      (br_if $block (local.get $blocks)))))

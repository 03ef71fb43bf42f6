//! All inner products of two blocks of rows: the one place that calls the matrix kernel.

use super::rows::Rows;

/// Writes `out[i * b.n() + j] = a_i · b_j`, summed over the d values in one fixed order.
///
/// That order depends on the shapes of `a` and `b` only. Callers that compare products bit by bit (equal rows
/// must give equal distances, or ties would not be broken by index) pass blocks of one shape.
///
/// # Panics
/// When the widths differ or `out` is shorter than `a.n() * b.n()`: a bug of the caller, not of its data.
#[allow(unsafe_code)]
pub(crate) fn inner_products(a: Rows, b: Rows, out: &mut [f32]) {
    let (m, n, d) = (a.n(), b.n(), a.d());
    assert_eq!(d, b.d(), "rows of one width");
    let out = &mut out[..m * n];
    // SAFETY: every index that `gemm` forms lies inside its slice. It reads lhs at i·d + k and rhs at j·d + k
    // for i < m, j < n, k < d, and `Rows` guarantees m·d and n·d values; it writes dst at i·n + j, and `out` was
    // just cut to m·n values. `out` is a unique borrow, so nothing aliases it. dst is not read (`read_dst` is
    // false), and the strides fit `isize` because each slice does.
    unsafe {
        gemm::gemm(
            m,
            n,
            d,
            out.as_mut_ptr(),
            1,
            n as isize,
            false,
            a.data().as_ptr(),
            1,
            d as isize,
            b.data().as_ptr(),
            d as isize,
            1,
            0.0f32,
            1.0f32,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

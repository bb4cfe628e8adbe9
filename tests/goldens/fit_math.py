"""Prints the polynomials of kernels/math.h: near-minimax fits by Lawson's iteration on Chebyshev nodes, with mpmath."""

from mpmath import atanh, cos, erf, erfc, expm1, log, log1p, matrix, mp, mpf, nstr, pi, qr_solve, sqrt

mp.dps = 50


def fit(f, weight, low, high, degree):
    """Coefficients of the polynomial nearest to f in the weighted maximum norm, and the error."""
    count = 6 * (degree + 1)
    nodes = [(low + high) / 2 + (high - low) / 2 * cos(pi * (k + mpf(1) / 2) / count) for k in range(count)]
    powers = [[x**j for j in range(degree + 1)] for x in nodes]
    values, weights = [f(x) for x in nodes], [weight(x) for x in nodes]
    lawson, best = [mpf(1)] * count, None
    for _ in range(12):
        a, y = matrix(count, degree + 1), matrix(count, 1)
        for i in range(count):
            scale = weights[i] * sqrt(lawson[i])
            y[i] = values[i] * scale
            for j in range(degree + 1):
                a[i, j] = powers[i][j] * scale
        c, _ = qr_solve(a, y)
        errors = [abs(weights[i] * (sum(c[j] * powers[i][j] for j in range(degree + 1)) - values[i])) for i in range(count)]
        if best is None or max(errors) < best[0]:
            best = (max(errors), list(c))
        total = sum(l * e for l, e in zip(lawson, errors))
        lawson = [l * e / total * count + mpf(10) ** -12 for l, e in zip(lawson, errors)]
    return best


def show(name, f, weight, low, high, degree, digits):
    error, c = fit(f, weight, mpf(low), mpf(high), degree)
    print(f"{name}: relative error {nstr(error, 3)}")
    print("  " + ", ".join(f"{float(x):.{digits}g}" for x in c))


half = log(2) / 2 * mpf("1.001")
exp_tail = lambda r: (expm1(r) - r) / r**2 if abs(r) > 1e-12 else mpf(1) / 2 + r / 6
exp_weight = lambda r: r**2 / mp.exp(r)
log_tail = lambda f: (log1p(f) - f + f * f / 2) / f**3 if abs(f) > 1e-10 else mpf(1) / 3
log_weight = lambda f: abs(f**3 / log1p(f)) if abs(f) > 1e-10 else f * f
series = lambda z: (2 * atanh(sqrt(z)) / sqrt(z) - 2) / z if z > 1e-12 else mpf(2) / 3
small = lambda z: erf(sqrt(z)) / sqrt(z) if z > 1e-16 else 2 / sqrt(pi)
log_erfc = lambda middle: lambda t: log(erfc(t + middle))
erfc_weight = lambda middle: lambda t: erfc(t + middle) / erf(t + middle)
root = sqrt(mpf(2))

show("float exp_tail", exp_tail, exp_weight, -half, half, 4, 9)
show("double exp_tail", exp_tail, exp_weight, -half, half, 9, 17)
show("float log_near_one", log_tail, log_weight, 1 / root - 1, root - 1, 8, 9)
show("double log_near_one", series, lambda z: z, 0, ((root - 1) / (root + 1)) ** 2, 6, 17)
show("float erf_small", small, lambda z: 1 / small(z), 0, 1, 6, 9)
show("double erf_small", small, lambda z: 1 / small(z), 0, 1, 11, 17)
show("float log_erfc", log_erfc(mpf("2.5")), erfc_weight(mpf("2.5")), -1.5, 1.5, 7, 9)
show("double log_erfc", log_erfc(mpf("3.5")), erfc_weight(mpf("3.5")), -2.5, 2.5, 16, 17)

// Our elementary functions against long double's, in units in the last place, over whole ranges and
// at the edges.
#include "kernels/math.h"

#include <limits>

#include "tests/support.h"

using namespace lathe;

namespace {

using Long = long double;

/// Error of y in units of the last place of the exact result.
template <class T>
double ulps(T y, Long exact) {
  const Long largest = std::numeric_limits<T>::max();
  if (std::isnan(exact) || std::isnan(y)) return std::isnan(exact) && std::isnan(y) ? 0 : 1e9;
  if (std::isinf(y)) return std::abs(exact) >= largest && (y > 0) == (exact > 0) ? 0 : 1e9;
  const Long size = std::max(std::abs(exact), Long(std::numeric_limits<T>::min()));
  const Long unit = std::ldexp(Long(1), std::ilogb(size) - std::numeric_limits<T>::digits + 1);
  return double(std::abs(Long(y) - exact) / unit);
}

template <class T, class F, class Exact>
double worst(const F& f, const Exact& exact, double low, double high) {
  double largest = 0;
  constexpr int count = 200000;
  for (int i = 0; i <= count; ++i) {
    const T x = T(low + (high - low) * i / count);
    largest = std::max(largest, ulps(f(x), exact(Long(x))));
  }
  // Magnitudes of all sizes, of both signs where the range has them.
  for (int e = std::numeric_limits<T>::min_exponent - 20; e < std::numeric_limits<T>::max_exponent;
       ++e)
    for (double m : {1.0, 1.3, 1.99})
      for (double sign : {1.0, -1.0}) {
        const T x = T(std::ldexp(sign * m, e));
        if (x >= low && x <= high) largest = std::max(largest, ulps(f(x), exact(Long(x))));
      }
  return largest;
}

}  // namespace

TEST_CASE_TEMPLATE("math: errors in units of the last place", T, float, double) {
  const bool single = sizeof(T) == 4;
  const double bound = single ? 2.5 : 4, far = single ? 110 : 760;
  auto check = [&](const char* name, const auto& f, const auto& exact, double low, double high) {
    const double error = worst<T>(f, exact, low, high);
    INFO(std::string(name), " on [", low, ", ", high, "]: ", error);
    CHECK(error <= bound);
  };
  auto exp = [](T x) { return math::exp(x); };
  auto exact_exp = [](Long x) { return std::exp(x); };
  check("exp", exp, exact_exp, -far, far);
  check("exp", exp, exact_exp, -1, 1);
  auto tanh = [](T x) { return math::tanh(x); };
  auto exact_tanh = [](Long x) { return std::tanh(x); };
  check("tanh", tanh, exact_tanh, -30, 30);
  check("tanh", tanh, exact_tanh, -1, 1);
  auto erf = [](T x) { return math::erf(x); };
  auto exact_erf = [](Long x) { return std::erf(x); };
  check("erf", erf, exact_erf, -8, 8);
  check("erf", erf, exact_erf, -1.1, 1.1);
  auto log = [](T x) { return math::log(x); };
  auto exact_log = [](Long x) { return std::log(x); };
  check("log", log, exact_log, 0, 1e30);
  check("log", log, exact_log, 0.4, 2.5);
  auto log1p = [](T x) { return math::log1p(x); };
  auto exact_log1p = [](Long x) { return std::log1p(x); };
  check("log1p", log1p, exact_log1p, -1, 1);
  check("log1p", log1p, exact_log1p, 0, 1e30);
  auto sigmoid = [](T x) { return math::sigmoid(x); };
  auto exact_sigmoid = [](Long x) { return 1 / (1 + std::exp(-x)); };
  check("sigmoid", sigmoid, exact_sigmoid, -80, 200);
}

TEST_CASE_TEMPLATE("math: edges", T, float, double) {
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  CHECK(math::exp(inf) == inf);
  CHECK(math::exp(-inf) == 0);
  CHECK(math::exp(T(0)) == 1);
  CHECK(math::tanh(inf) == 1);
  CHECK(math::tanh(-inf) == -1);
  CHECK(std::signbit(math::tanh(T(-0.0))));
  CHECK(math::sigmoid(inf) == 1);
  CHECK(math::sigmoid(-inf) == 0);
  CHECK(math::erf(inf) == 1);
  CHECK(math::erf(-inf) == -1);
  CHECK(std::signbit(math::erf(T(-0.0))));
  CHECK(math::log(T(0)) == -inf);
  CHECK(math::log(T(1)) == 0);
  CHECK(math::log(inf) == inf);
  CHECK(std::isnan(math::log(T(-1))));
  CHECK(math::log1p(T(-1)) == -inf);
  CHECK(math::log1p(inf) == inf);
  CHECK(std::isnan(math::log1p(T(-2))));
  for (T y : {math::exp(nan), math::tanh(nan), math::sigmoid(nan), math::erf(nan), math::log(nan),
              math::log1p(nan)})
    CHECK(std::isnan(y));
}

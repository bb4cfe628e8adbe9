#include "tensor/tape.h"

#include <algorithm>
#include <atomic>

#include "tensor/basic_kernels.h"

namespace lathe {

thread_local Tape* Tape::current_ = nullptr;

namespace {
std::atomic<uint64_t> next_tape{1};
}  // namespace

Tape::Tape() : id_(next_tape++), outer_(current_) { current_ = this; }
Tape::~Tape() { current_ = outer_; }

int Tape::slot_of(const Tensor& x) {
  if (!x) return -1;
  Tensor::Body& body = *x.body_;
  if (body.tape == id_) return body.slot;
  if (!body.requires_grad) return -1;
  body.tape = id_;
  body.slot = int(nodes_.size());
  nodes_.emplace_back();
  nodes_.back().leaf = x;
  return body.slot;
}

bool Tape::wants(const Tensor& x) {
  return current_ && x && (x.body_->tape == current_->id_ || x.body_->requires_grad);
}

void Tape::add(const char* op, Tensor& y, std::span<const Tensor> inputs, Backward backward,
               bool always) {
  Node node;
  bool tracked = always;
  for (const Tensor& x : inputs) {
    node.inputs.push_back(slot_of(x));
    tracked |= node.inputs.back() >= 0;
    node.likes.push_back(x ? Like{x.shape(), x.dtype(), x.device()} : Like{});
  }
  if (!tracked) return;
  node.op = op;
  const std::string prefix = ErrorScope::prefix();
  node.layer = prefix.substr(0, prefix.size() > 2 ? prefix.size() - 2 : 0);
  node.backward = std::move(backward);
  y.body_->tape = id_;
  y.body_->slot = int(nodes_.size());
  nodes_.push_back(std::move(node));
}

void Tape::backward(const Tensor& loss) {
  LATHE_CHECK(loss.numel() == 1, "backward: the loss has one element, got shape ", loss.shape(),
              "; use mean() or sum(), or give its gradient");
  backward(loss, Tensor::full(loss.shape(), 1, loss.dtype(), loss.device()));
}

void Tape::backward(const Tensor& y, const Tensor& dy) {
  LATHE_CHECK(y && y.body_->tape == id_,
              "backward: the loss does not depend on any tensor that requires a gradient");
  LATHE_CHECK(dy.shape() == y.shape() && dy.dtype() == y.dtype(), "backward: expects a gradient ",
              y.shape(), " ", y.dtype(), ", got ", dy.shape(), " ", dy.dtype());
  const NoTape off;  // a tape made inside (recomputing) becomes current by itself
  grads_.assign(nodes_.size(), Tensor());
  grads_[size_t(y.body_->slot)] = dy;
  for (size_t i = nodes_.size(); i-- > 0;) run(i);
  nodes_.clear();
  grads_.clear();
  id_ = next_tape++;
}

void Tape::run(size_t i) {
  if (!nodes_[i].op || !grads_[i])
    return;  // leaves have their gradient already; nothing depends on the others
  const Node node = std::move(nodes_[i]);
  nodes_[i].inputs = node.inputs;  // what Needs looks at
  nodes_[i].likes = node.likes;
  const Tensor dy = std::move(grads_[i]);
  const ErrorScope scope(node.layer);
  const Grads gradients = node.backward(dy, Needs(*this, i));
  LATHE_CHECK(gradients.size() == node.inputs.size(), node.op, ": its backward returned ",
              gradients.size(), " gradients for ", node.inputs.size(), " inputs");
  for (size_t k = 0; k < gradients.size(); ++k)
    if (node.inputs[k] >= 0) give(node, k, gradients[k]);
  nodes_[i] = Node();
}

void Tape::give(const Node& node, size_t k, const Tensor& gradient) {
  const Like& x = node.likes[k];
  LATHE_CHECK(gradient, node.op, ": its backward returned no gradient for input ", k);
  LATHE_CHECK(
      gradient.shape() == x.shape && gradient.dtype() == x.dtype && gradient.device() == x.device,
      node.op, ": its backward returned for input ", k, " a gradient ", gradient.shape(), " ",
      gradient.dtype(), ", expected ", x.shape, " ", x.dtype);
  const size_t slot = size_t(node.inputs[k]);
  if (nodes_[slot].leaf) return nodes_[slot].leaf.add_grad(gradient);
  Tensor& total = grads_[slot];
  if (!total) {
    total = gradient;
  } else {  // never in place: a backward may have returned the same tensor for two inputs
    Tensor sum = empty_like(total);
    kernels::accumulate(sum, total, gradient);
    total = sum;
  }
}

bool Needs::operator[](int input) const { return tape_.nodes_[node_].inputs[size_t(input)] >= 0; }

Tensor Needs::out(int input) const {
  const Tape::Node& node = tape_.nodes_[node_];
  const int slot = node.inputs[size_t(input)];
  LATHE_CHECK(slot >= 0, "backward: input ", input, " wants no gradient");
  const bool once = std::count(node.inputs.begin(), node.inputs.end(), slot) == 1;
  const Tensor& leaf = tape_.nodes_[size_t(slot)].leaf;
  if (leaf && once)
    if (Tensor memory = leaf.unwritten_grad()) return memory;
  const Tape::Like& like = node.likes[size_t(input)];
  return Tensor::empty(like.shape, like.dtype, like.device);
}

Tensor record(const char* op, Tensor y, std::initializer_list<Tensor> inputs, Backward backward) {
  if (Tape* tape = Tape::current())
    tape->add(op, y, {inputs.begin(), inputs.size()}, std::move(backward));
  return y;
}

Tensor record(const char* op, Tensor y, const std::vector<Tensor>& inputs, Backward backward) {
  if (Tape* tape = Tape::current()) tape->add(op, y, inputs, std::move(backward));
  return y;
}

Tensor record_block(const char* op, Tensor y, const Tensor& x, bool trains, Backward backward) {
  if (Tape* tape = Tape::current()) tape->add(op, y, {&x, 1}, std::move(backward), trains);
  return y;
}

Tensor no_backward(const char* op, Tensor y, std::initializer_list<Tensor> inputs) {
  return record(op, std::move(y), inputs, [op](const Tensor&, const Needs&) -> Grads {
    fail(ErrorKind::usage, op,
         ": has no gradient; detach its input, or leave its result out of the loss");
  });
}

}  // namespace lathe

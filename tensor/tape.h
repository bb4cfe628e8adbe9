// Automatic differentiation by an explicit tape. While a Tape is alive on a thread, record() keeps
// for each op how its gradient is computed; backward() runs that list from its end, freeing each
// entry as soon as it has run. Without a tape nothing is kept: that is inference. Nothing here is
// recursive, so graphs may be millions of ops deep.
#pragma once

#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace lathe {

class Tape;

/// Which inputs of an op want a gradient, and where it may be put.
class Needs {
 public:
  Needs(const Tape& tape, size_t node) : tape_(tape), node_(node) {}
  bool operator[](int input) const;
  /// Uninitialised memory for the gradient of an input: the parameter's own gradient when this is
  /// the first contribution to it, else fresh. Using it is optional; it spares a copy.
  Tensor out(int input) const;

 private:
  const Tape& tape_;
  size_t node_;
};

/// One gradient an input, in order; an empty handle for an input that wants none.
using Grads = std::vector<Tensor>;
using Backward = std::function<Grads(const Tensor& dy, const Needs& needs)>;

class Tape {
 public:
  Tape();
  ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// Adds d loss / d leaf to every leaf that requires a gradient. The loss has one element; the
  /// tape is empty afterwards.
  void backward(const Tensor& loss);
  /// The same for any output y, given d loss / d y.
  void backward(const Tensor& y, const Tensor& dy);
  size_t size() const { return nodes_.size(); }
  /// The tape of this thread that records now, or null.
  static Tape* current() { return current_; }
  /// Whether a tape records and will compute this tensor's gradient: what only that gradient needs
  /// is kept only then.
  static bool wants(const Tensor& x);

 private:
  friend class Needs;
  friend class NoTape;
  friend Tensor record(const char*, Tensor, std::initializer_list<Tensor>, Backward);
  friend Tensor record(const char*, Tensor, const std::vector<Tensor>&, Backward);
  friend Tensor record_block(const char*, Tensor, const Tensor&, bool, Backward);
  struct Like {
    Shape shape;
    DType dtype = DType::f32;
    Device device = Device::cpu;
  };
  struct Node {
    const char* op = nullptr;  // null: a leaf
    std::string layer;         // the layer that was running, for messages
    std::vector<int> inputs;   // slots; -1 for an input that wants no gradient
    std::vector<Like> likes;   // what the gradient of each input must look like
    Backward backward;
    Tensor leaf;
  };

  void add(const char* op, Tensor& y, std::span<const Tensor> inputs, Backward backward,
           bool always = false);
  int slot_of(const Tensor& x);
  void run(size_t node);
  void give(const Node& node, size_t input, const Tensor& gradient);

  uint64_t id_;
  Tape* outer_;
  std::vector<Node> nodes_;
  std::vector<Tensor> grads_;
  static thread_local Tape* current_;
};

/// Says that y was computed from the inputs by `op`, and how to get the inputs' gradients from y's.
/// The closure is kept only when a tape is alive and an input is tracked; it must capture detached
/// tensors. Returns y.
Tensor record(const char* op, Tensor y, std::initializer_list<Tensor> inputs, Backward backward);
Tensor record(const char* op, Tensor y, const std::vector<Tensor>& inputs, Backward backward);

/// The same for a part of a model that computes with parameters of its own: with `trains` the
/// closure is kept even where x is not tracked, and adds their gradients itself.
Tensor record_block(const char* op, Tensor y, const Tensor& x, bool trains, Backward backward);

/// While alive, no tape records on this thread: forwards keep nothing.
class NoTape {
 public:
  NoTape() : outer_(Tape::current_) { Tape::current_ = nullptr; }
  ~NoTape() { Tape::current_ = outer_; }
  NoTape(const NoTape&) = delete;
  NoTape& operator=(const NoTape&) = delete;

 private:
  Tape* outer_;
};

/// Says that y was computed by an op that has no gradient: asking for one throws and names the op.
Tensor no_backward(const char* op, Tensor y, std::initializer_list<Tensor> inputs);

}  // namespace lathe

#include "tvae/ops/attention.h"

#include <algorithm>
#include <unordered_map>

#include "tvae/base/assert.h"
#include "tvae/ops/attention_cpu.h"
#include "tvae/ops/backend.h"
#include "tvae/ops/dropout.h"
#include "tvae/ops/on_device.h"
#include "tvae/ops/twice_differentiable.h"

namespace tvae {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

constexpr int64_t kMaxChunks = 16;  // of sequences in the backward pass; fixed, so that sums keep their order

/// Travels to the backward pass as one object inside the context's saved_data.
struct Layout : torch::CustomClassHolder {
  Layout(const Spans& query_spans, const Spans& key_spans, const AttentionOptions& of)
      : queries(query_spans), keys(key_spans), options(of) {}
  Spans queries, keys;
  AttentionOptions options;
};

template <class T>
cpu::AttentionArguments<T> arguments_of(const Tensor& query, const Tensor& key, const Tensor& value,
                                        const Tensor& relative_bias, const Layout& layout) {
  cpu::AttentionArguments<T> arguments;
  arguments.query = query.const_data_ptr<T>();
  arguments.key = key.const_data_ptr<T>();
  arguments.value = value.const_data_ptr<T>();
  arguments.relative_bias = relative_bias.defined() ? relative_bias.const_data_ptr<T>() : nullptr;
  arguments.bias_columns = relative_bias.defined() ? relative_bias.size(1) : 0;
  arguments.head_size = query.size(1) / layout.options.num_heads;
  arguments.queries = &layout.queries;
  arguments.keys = &layout.keys;
  arguments.options = layout.options;
  arguments.offsets.push_back(0);
  for (size_t b = 0; b < layout.queries.size(); ++b)
    arguments.offsets.push_back(arguments.offsets.back() +
                                layout.options.num_heads * layout.queries[b].length * layout.keys[b].length);
  return arguments;
}

int64_t count_probabilities(const Layout& layout) {
  int64_t count = 0;
  for (size_t b = 0; b < layout.queries.size(); ++b)
    count += layout.options.num_heads * layout.queries[b].length * layout.keys[b].length;
  return count;
}

/// The chunk of each sequence in the backward pass, in turn. Those that read the same keys (windows of one sequence
/// read one memory) add to the same gradients, so they are in one chunk.
std::vector<int64_t> chunks_of(const Spans& keys) {
  std::vector<int64_t> chunks;
  std::unordered_map<int64_t, int64_t> seen;  // first key → chunk
  for (const Span& span : keys)
    chunks.push_back(seen.try_emplace(span.start, static_cast<int64_t>(seen.size()) % kMaxChunks).first->second);
  return chunks;
}

/// Rows outside every span are never written by the kernel, so such outputs start as zeros.
Tensor output_like(const Tensor& query, const Spans& queries) {
  int64_t covered = 0;
  for (const Span& span : queries) covered += span.length;
  return covered == query.size(0) ? at::empty_like(query) : at::zeros_like(query);
}

/// With `probabilities`, those are kept in it: [count_probabilities()].
Tensor attend(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& relative_bias,
              const Layout& layout, const Tensor& probabilities = {}) {
  Tensor output = output_like(query, layout.queries);
  if (query.is_meta()) return output;
  AT_DISPATCH_FLOATING_TYPES(query.scalar_type(), "attention", [&] {
    cpu::attention_forward<scalar_t>(arguments_of<scalar_t>(query, key, value, relative_bias, layout),
                                     output.data_ptr<scalar_t>(),
                                     probabilities.defined() ? probabilities.data_ptr<scalar_t>() : nullptr);
  });
  return output;
}

struct AttentionFunction : torch::autograd::Function<AttentionFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& query, const Tensor& key, const Tensor& value,
                        const std::optional<Tensor>& relative_bias, c10::intrusive_ptr<Layout> layout) {
    const Tensor q = query.contiguous(), k = key.contiguous(), v = value.contiguous();
    const Tensor bias = relative_bias ? relative_bias->contiguous() : Tensor();
    const Tensor probabilities = at::empty({count_probabilities(*layout)}, q.options());
    context->save_for_backward({q, k, v, bias, probabilities});
    context->saved_data["layout"] = c10::IValue::make_capsule(layout);
    return attend(q, k, v, bias, *layout, probabilities);
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &q = saved[0], &k = saved[1], &v = saved[2], &bias = saved[3], &probabilities = saved[4];
    const auto layout = c10::static_intrusive_pointer_cast<Layout>(context->saved_data["layout"].toCapsule());
    const Tensor d_output = gradients[0].contiguous();
    Tensor dq = output_like(q, layout->queries), dk = at::zeros_like(k), dv = at::zeros_like(v), d_bias;
    const std::vector<int64_t> chunk_of = chunks_of(layout->keys);
    const int64_t chunks = chunk_of.empty() ? 1 : *std::max_element(chunk_of.begin(), chunk_of.end()) + 1;
    if (bias.defined()) d_bias = at::zeros({chunks, bias.size(0), bias.size(1)}, bias.options());
    if (!q.is_meta())
      AT_DISPATCH_FLOATING_TYPES(q.scalar_type(), "attention_backward", [&] {
        cpu::attention_backward<scalar_t>(arguments_of<scalar_t>(q, k, v, bias, *layout),
                                          probabilities.const_data_ptr<scalar_t>(), d_output.const_data_ptr<scalar_t>(),
                                          dq.data_ptr<scalar_t>(), dk.data_ptr<scalar_t>(), dv.data_ptr<scalar_t>(),
                                          bias.defined() ? d_bias.data_ptr<scalar_t>() : nullptr, chunk_of, chunks);
      });
    if (bias.defined()) d_bias = d_bias.sum(0);
    return {dq, dk, dv, d_bias, Tensor()};
  }
};

/// Sequences [first, first + count) that composed operations take together, as if all were as long as the longest.
struct Group {
  size_t first = 0, count = 0;
  int64_t query_length = 0, key_length = 0;  // the longest
  int64_t scores = 0;                        // those that are wanted, a head
  bool same_place = true;                    // every sequence's first query has the same place among its keys

  int64_t padded_scores() const { return static_cast<int64_t>(count) * query_length * key_length; }
};

/// One more sequence, whether it is wanted there or not.
Group with_next(Group group, const Spans& queries, const Spans& keys) {
  const size_t next = group.first + group.count++;
  const int64_t query_length = queries[next].length, key_length = keys[next].length;
  group.query_length = std::max(group.query_length, query_length);
  group.key_length = std::max(group.key_length, key_length);
  group.scores += query_length * key_length;
  group.same_place = group.same_place && first_place(query_length, key_length) ==
                                             first_place(queries[group.first].length, keys[group.first].length);
  return group;
}

/// From sequence `first` on, as many whose queries follow one another as do not make the scores more than twice those
/// that are wanted: a GPU is better off with few large operations.
Group group_from(size_t first, const Spans& queries, const Spans& keys) {
  Group group = with_next({first}, queries, keys);
  while (group.first + group.count < queries.size()) {
    const size_t next = group.first + group.count;
    if (queries[next].start != queries[next - 1].start + queries[next - 1].length) break;
    const Group larger = with_next(group, queries, keys);
    if (larger.padded_scores() > 2 * larger.scores) break;
    group = larger;
  }
  return group;
}

/// The rows of a group's spans [n, length, H, k] → [n, H, length, k], each span's own row again where it is shorter.
Tensor heads_of(const Tensor& stream, const Spans& spans, const Group& group, int64_t length, int64_t heads) {
  const auto count = static_cast<int64_t>(group.count);
  const Span& first = spans[group.first];
  bool end_to_end = true;
  for (int64_t i = 0; i < count; ++i)
    end_to_end = end_to_end && spans[group.first + i] == Span{first.start + i * length, length};
  Tensor rows;
  if (end_to_end) {
    rows = stream.narrow(0, first.start, count * length);
  } else {
    std::vector<int64_t> places;
    for (int64_t i = 0; i < count; ++i)
      for (int64_t row = 0; row < length; ++row) {
        const Span& span = spans[group.first + i];
        places.push_back(span.start + (row < span.length ? row : 0));
      }
    rows = at::embedding(stream, on_device(places, stream.device()));
  }
  return rows.view({count, length, heads, stream.size(1) / heads}).transpose(1, 2);
}

/// What heads_of() made longer, without that: [n, H, length, k] → [rows of all spans, H·k].
Tensor rows_of_heads(const Tensor& heads, const Spans& spans, const Group& group) {
  const int64_t length = heads.size(2);
  const Tensor rows = heads.transpose(1, 2).reshape({heads.size(0) * length, heads.size(1) * heads.size(3)});
  std::vector<int64_t> places;
  for (size_t i = 0; i < group.count; ++i)
    for (int64_t row = 0; row < spans[group.first + i].length; ++row)
      places.push_back(static_cast<int64_t>(i) * length + row);
  if (static_cast<int64_t>(places.size()) == rows.size(0)) return rows;
  return rows.index_select(0, on_device(places, rows.device()));
}

/// How far each key is behind each query: [n or 1, Lq, Lk].
Tensor distances_of(const Group& group, const Spans& queries, const Spans& keys, torch::Device device) {
  const auto index = at::TensorOptions().dtype(at::kLong).device(device);
  const Tensor distance =
      at::arange(group.key_length, index).unsqueeze(0) - at::arange(group.query_length, index).unsqueeze(1);
  std::vector<int64_t> first_places;
  for (size_t i = group.first; i < group.first + (group.same_place ? 1 : group.count); ++i)
    first_places.push_back(first_place(queries[i].length, keys[i].length));
  if (group.same_place) return (distance - first_places[0]).unsqueeze(0);
  return distance.unsqueeze(0) - on_device(first_places, device).view({-1, 1, 1});
}

/// Which keys of a group are none: bool [n, 1, Lk]; undefined where all are as long as the longest.
Tensor missing_keys(const Group& group, const Spans& keys, torch::Device device) {
  std::vector<int64_t> lengths;
  for (size_t i = group.first; i < group.first + group.count; ++i) lengths.push_back(keys[i].length);
  if (std::all_of(lengths.begin(), lengths.end(), [&](int64_t length) { return length == group.key_length; }))
    return {};
  const Tensor place = at::arange(group.key_length, at::TensorOptions().dtype(at::kLong).device(device));
  return place.view({1, 1, -1}) >= on_device(lengths, device).view({-1, 1, 1});
}

}  // namespace

Tensor attention(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& relative_bias,
                 const Spans& queries, const Spans& keys, const AttentionOptions& options) {
  TVAE_ASSERT(queries.size() == keys.size(), "as many query spans as key spans");
  TVAE_ASSERT(!relative_bias.defined() || !options.causal || relative_bias.size(1) >= 2 * longest(keys) - 1,
              "the relative bias covers every distance");
  if (TwiceDifferentiable::enabled() || backend_of(query) == Backend::kStock)
    return attention_composed(query, key, value, relative_bias, queries, keys, options);
  const bool differentiable =
      at::GradMode::is_enabled() && (query.requires_grad() || key.requires_grad() || value.requires_grad() ||
                                     (relative_bias.defined() && relative_bias.requires_grad()));
  if (!differentiable)
    return attend(query.contiguous(), key.contiguous(), value.contiguous(),
                  relative_bias.defined() ? relative_bias.contiguous() : relative_bias, {queries, keys, options});
  // Autograd functions take optional tensors, not undefined ones.
  const std::optional<Tensor> bias = relative_bias.defined() ? std::optional<Tensor>(relative_bias) : std::nullopt;
  return AttentionFunction::apply(query, key, value, bias, c10::make_intrusive<Layout>(queries, keys, options));
}

Tensor attention_composed(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& relative_bias,
                          const Spans& queries, const Spans& keys, const AttentionOptions& options) {
  const int64_t heads = options.num_heads;
  // The bias is looked up like rows of a table (at::embedding), whose gradients are summed in a fixed order; a GPU adds
  // those of index_select() as they come, so that no run would be like another. It is an alias, so that the gradients
  // of the groups are added up here first, whether a block is recomputed or not.
  const Tensor table = relative_bias.defined() ? relative_bias.alias().t() : relative_bias;
  std::vector<Tensor> outputs;
  int64_t next_row = 0, groups = 0;
  const auto fill_to = [&](int64_t row) {  // rows in no span
    if (row > next_row) outputs.push_back(at::zeros({row - next_row, query.size(1)}, query.options()));
  };
  for (size_t first = 0; first < queries.size(); ++groups) {
    const Group group = group_from(first, queries, keys);
    const int64_t lq = group.query_length, lk = group.key_length;
    Tensor scores = at::matmul(heads_of(query, queries, group, lq, heads),
                               heads_of(key, keys, group, lk, heads).transpose(2, 3));  // [n, H, Lq, Lk]
    Tensor hidden = missing_keys(group, keys, query.device());
    if (table.defined() || options.causal) {
      const Tensor distance = distances_of(group, queries, keys, query.device());
      if (table.defined()) {
        const Tensor columns = (distance + (table.size(0) - 1) / 2).clamp(0, table.size(0) - 1);
        scores = scores + at::embedding(table, columns).permute({0, 3, 1, 2}).to(scores.scalar_type());
      }
      if (options.causal) hidden = hidden.defined() ? hidden.logical_or(distance > 0) : distance > 0;
    }
    if (hidden.defined()) scores = scores.masked_fill(hidden.unsqueeze(1), -std::numeric_limits<float>::infinity());
    Tensor probabilities = at::softmax(scores, -1);
    if (options.dropout > 0)
      probabilities =
          dropout(probabilities, options.dropout, RandomKey(options.dropout_key + groups, options.dropout_first));
    fill_to(queries[first].start);
    outputs.push_back(
        rows_of_heads(at::matmul(probabilities, heads_of(value, keys, group, lk, heads)), queries, group));
    next_row = queries[first].start + outputs.back().size(0);
    first += group.count;
  }
  fill_to(query.size(0));
  return at::cat(outputs);
}

}  // namespace tvae

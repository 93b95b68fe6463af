// Every setting of a run, in four sections; what belongs to one encoder, bottleneck, regularizer, optimizer or the like
// stands in a group of its own. One visit() a section or group gives defaults, JSON, command line, help, range checks
// and the generated reference; a key is "section.field" or "section.group.field", as in train.learning_rate,
// loss.kl.target.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "tvae/base/registry.h"

namespace tvae {

/// What visit() tells about a field besides its name and value.
struct FieldInfo {
  std::string help;
  std::vector<std::string> choices = {};  // of a string field; empty = what is registered for the key, else any text
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  /// The whole key of before the field had an owner, where it is not the present one with _ for its later dots
  /// (loss.kl_target of loss.kl.target); it stays another name of the field.
  std::string alias = "";

  FieldInfo also(const std::string& old_key) const {
    FieldInfo info = *this;
    info.alias = old_key;
    return info;
  }
};

/// A visitor of a group of fields, whose names it passes on as "group.field".
template <class Visitor>
auto grouped(const std::string& group, Visitor& v) {
  return [&v, prefix = group + "."](const std::string& name, auto& value, const FieldInfo& info) {
    v(prefix + name, value, info);
  };
}

struct DataConfig {
  std::string train;
  std::string valid;
  std::string column;
  std::string label_column;
  bool escapes = false;
  bool strict = false;
  bool quotes = false;
  std::string format = "auto";
  bool header = false;
  std::string tokens = "none";
  std::string tokens_tokenizer;
  double valid_fraction = 0.0;
  std::string tokenizer;
  std::string tokenizer_kind = "unigram";
  int64_t vocab_size = 4096;
  int64_t max_tokens = 64;
  std::string overlong = "drop";
  int64_t max_valid = 2000;
  std::string cache_dir;
  std::string check = "none";
};

template <class Config, class Visitor>
void visit_data(Config& c, Visitor&& v) {
  v("train", c.train,
    FieldInfo{"file of training sequences (.txt, .csv, .tsv, .json, .jsonl, also .gz .xz .zst), or a pipe"});
  v("valid", c.valid, FieldInfo{"file of held-out sequences; empty = none"});
  v("column", c.column, FieldInfo{"text column of a table; empty = what looks like one in data.train"});
  v("label_column", c.label_column, FieldInfo{"label column of a table; empty = no labels"});
  v("escapes", c.escapes, FieldInfo{"read \\n, \\t and \\\\ inside a line as newline, tab and backslash"});
  v("strict", c.strict, FieldInfo{"a bad row is an error instead of being skipped and counted"});
  v("quotes", c.quotes, FieldInfo{"fields of a tab table may stand in quotes, as in .csv: pandas writes them so"});
  v("format", c.format,
    FieldInfo{"how the files hold their rows; auto = as their names and content tell",
              {"auto", "lines", "csv", "tsv", "json", "jsonl"}});
  v("header", c.header,
    FieldInfo{"the first row of a table is a header, also where data.column and data.label_column are numbers"});
  v("tokens", c.tokens,
    FieldInfo{
        "the files are OPTIMUS's pre-tokenised JSON: its bert or gpt2 ids are taken as they are, with data.tokenizer "
        "the tokenizer that made them; text = they become text again, by data.tokens_tokenizer",
        {"none", "bert", "gpt2", "text"}});
  v("tokens_tokenizer", c.tokens_tokenizer,
    FieldInfo{"with data.tokens=text: directory of the tokenizer that made the ids, GPT-2's or BERT's"});
  v("valid_fraction", c.valid_fraction,
    FieldInfo{"share of data.train that is held out where data.valid is empty, and kept with the run", {}, 0, 0.5});
  v("tokenizer", c.tokenizer, FieldInfo{"tokenizer directory or .model file; empty = train one on data.train"});
  v("tokenizer_kind", c.tokenizer_kind, FieldInfo{"kind of tokenizer to train where none is given"});
  v("vocab_size", c.vocab_size, FieldInfo{"pieces of a tokenizer trained here", {}, 272, 1e6});
  v("max_tokens", c.max_tokens, FieldInfo{"longest sequence, in tokens, end-of-sequence included", {}, 2, 65536});
  v("overlong", c.overlong, FieldInfo{"longer sequences are dropped or cut", {"drop", "cut"}});
  v("max_valid", c.max_valid,
    FieldInfo{"held-out sequences used during training, from all over the file; 0 = all", {}, 0, 1e9});
  v("cache_dir", c.cache_dir, FieldInfo{"folder of the token cache; empty = the user's cache folder"});
  v("check", c.check, FieldInfo{"validity check of generated text"});
}

/// The Funnel encoder (model.encoder funnel).
struct FunnelConfig {
  std::string block_sizes = "2_2_2";
  std::string block_repeats;
  std::string attention = "relative_shift";
  std::string pooling = "mean";
  bool separate_cls = true;
  bool truncate_seq = true;
  bool pool_q_only = true;
  int64_t num_heads = 0;
  int64_t d_kv = 0;
  int64_t d_inner = 0;
  double hidden_dropout = 0.1;
  double attention_dropout = 0.1;
  double activation_dropout = 0.0;
  double layer_norm_epsilon = 1e-9;
};

template <class Config, class Visitor>
void visit_funnel(Config& c, Visitor&& v) {
  v("block_sizes", c.block_sizes, FieldInfo{"layers a block, as 3_3_3; the sequence is halved between blocks"});
  v("block_repeats", c.block_repeats, FieldInfo{"how often each layer of a block is run, as 1_2_2; empty = once"});
  v("attention", c.attention,
    FieldInfo{"how positions are scored; alike but for dropout", {"relative_shift", "factorized"}});
  v("pooling", c.pooling, FieldInfo{"two rows become their mean or max", {"mean", "max"}});
  v("separate_cls", c.separate_cls, FieldInfo{"the first row is never pooled with others"});
  v("truncate_seq", c.truncate_seq, FieldInfo{"with separate_cls, the last row is not pooled"});
  v("pool_q_only", c.pool_q_only, FieldInfo{"the first layer of a block still attends to the unpooled rows"});
  v("num_heads", c.num_heads, FieldInfo{"attention heads; 0 = model.num_heads", {}, 0, 1024});
  v("d_kv", c.d_kv, FieldInfo{"width of one attention head; 0 = model.d_kv", {}, 0, 4096});
  v("d_inner", c.d_inner, FieldInfo{"inner width of feed-forward; 0 = model.d_ff", {}, 0, 1e6});
  v("hidden_dropout", c.hidden_dropout, FieldInfo{"dropout of sub-layers and positions", {}, 0, 0.999});
  v("attention_dropout", c.attention_dropout, FieldInfo{"dropout of attention probabilities", {}, 0, 0.999});
  v("activation_dropout", c.activation_dropout, FieldInfo{"dropout inside feed-forward", {}, 0, 0.999});
  v("layer_norm_epsilon", c.layer_norm_epsilon,
    FieldInfo{"funnel encoder and the bottleneck tokens: added to the variance in layer norm", {}, 0, 1});
}

/// Windows of the decoder's self-attention.
struct AttentionWindowConfig {
  int64_t size = 0;
  int64_t overlap = 0;
  bool shift = true;
};

template <class Config, class Visitor>
void visit_attention_window(Config& c, Visitor&& v) {
  v("size", c.size,
    FieldInfo{"decoder self-attention within windows of this many tokens; 0 = whole sequences", {}, 0, 65536});
  v("overlap", c.overlap,
    FieldInfo{"how far the windows of odd layers are moved; 0 = longest sequence modulo window, or half a window",
              {},
              0,
              65536});
  v("shift", c.shift, FieldInfo{"move the windows of odd layers at all; the published code never did"});
}

/// model.bottleneck tokens.
struct TokensBottleneckConfig {
  std::string latent_decoder = "layer_norm";
  bool skip_upsample = false;
  bool mask_upsample_tail = true;
};

template <class Config, class Visitor>
void visit_tokens_bottleneck(Config& c, Visitor&& v) {
  v("latent_decoder", c.latent_decoder,
    FieldInfo{"what follows the linear layer from code to state", {"layer_norm", "t5_norm", "no_norm"}}.also(
        "model.latent_decoder"));
  v("skip_upsample", c.skip_upsample, FieldInfo{"the decoder attends to each code once"}.also("model.skip_upsample"));
  v("mask_upsample_tail", c.mask_upsample_tail,
    FieldInfo{"hide the zero rows at the end of the upsampled codes; false as published"}.also(
        "model.mask_upsample_tail"));
}

/// model.bottleneck queries.
struct QueriesBottleneckConfig {
  int64_t pooling_layers = 1;
  int64_t latent_layers = 0;
};

template <class Config, class Visitor>
void visit_queries_bottleneck(Config& c, Visitor&& v) {
  v("pooling_layers", c.pooling_layers,
    FieldInfo{"cross-attention layers of the queries bottleneck", {}, 1, 64}.also("model.pooling_layers"));
  v("latent_layers", c.latent_layers,
    FieldInfo{"self-attention layers between the code and the decoder, of the queries bottleneck", {}, 0, 64}.also(
        "model.latent_layers"));
}

struct ModelConfig {
  std::string encoder = "t5";
  std::string bottleneck = "queries";
  int64_t vocab_size = 0;
  int64_t d_model = 256;
  int64_t d_kv = 64;
  int64_t d_ff = 512;
  int64_t num_heads = 4;
  int64_t encoder_layers = 2;
  FunnelConfig funnel;
  int64_t decoder_layers = 2;
  std::string feed_forward = "gated-gelu";
  double dropout = 0.0;
  int64_t relative_attention_num_buckets = 32;
  int64_t relative_attention_max_distance = 128;
  double layer_norm_epsilon = 1e-6;
  bool tie_word_embeddings = true;
  bool scale_logits = true;
  bool scale_attention = false;
  double initializer_factor = 1.0;
  AttentionWindowConfig attention_window;
  int64_t latent_tokens = 8;
  int64_t latent_size = 32;
  int64_t sequence_length = 64;
  bool pad_inputs = false;
  TokensBottleneckConfig tokens_bottleneck;
  std::string posterior = "gaussian";
  QueriesBottleneckConfig queries_bottleneck;
  bool inject_latent = true;
  bool bag_of_words = false;
  std::string critic_block_sizes;
  int64_t pad_token_id = 0;
  int64_t eos_token_id = 1;
  int64_t decoder_start_token_id = 0;
  int64_t unk_token_id = 2;
};

template <class Config, class Visitor>
void visit_model(Config& c, Visitor&& v) {
  v("encoder", c.encoder, FieldInfo{"encoder stack", {"t5", "funnel"}});
  v("bottleneck", c.bottleneck, FieldInfo{"how encoder states become the code and back", {}});
  v("vocab_size", c.vocab_size, FieldInfo{"embedding rows; 0 = as many as the tokenizer has", {}, 0, 1e7});
  v("d_model", c.d_model, FieldInfo{"width of the hidden states", {}, 1, 65536});
  v("d_kv", c.d_kv, FieldInfo{"width of one attention head", {}, 1, 4096});
  v("d_ff", c.d_ff, FieldInfo{"inner width of the feed-forward layers", {}, 1, 1e6});
  v("num_heads", c.num_heads, FieldInfo{"attention heads", {}, 1, 1024});
  v("encoder_layers", c.encoder_layers, FieldInfo{"blocks of the t5 encoder", {}, 1, 1024});
  visit_funnel(c.funnel, grouped("funnel", v));
  v("decoder_layers", c.decoder_layers, FieldInfo{"decoder blocks", {}, 1, 1024});
  v("feed_forward", c.feed_forward, FieldInfo{"relu (T5 v1.0) or gated-gelu (v1.1)", {"relu", "gated-gelu"}});
  v("dropout", c.dropout, FieldInfo{"dropout rate in training", {}, 0, 0.999});
  v("relative_attention_num_buckets", c.relative_attention_num_buckets,
    FieldInfo{"relative position buckets", {}, 4, 4096});
  v("relative_attention_max_distance", c.relative_attention_max_distance,
    FieldInfo{"distance from which positions share the last bucket", {}, 4, 1e6});
  v("layer_norm_epsilon", c.layer_norm_epsilon, FieldInfo{"added to the mean square in RMS norm", {}, 0, 1});
  v("tie_word_embeddings", c.tie_word_embeddings, FieldInfo{"one matrix for embedding and output projection"});
  v("scale_logits", c.scale_logits, FieldInfo{"multiply decoder states by d_model^-1/2 before the output projection"});
  v("scale_attention", c.scale_attention,
    FieldInfo{"multiply attention scores by d_kv^-1/2; T5 does not, and starts from smaller queries instead"});
  v("initializer_factor", c.initializer_factor, FieldInfo{"scale of T5's initial weights", {}, 0, 100});
  visit_attention_window(c.attention_window, grouped("attention_window", v));
  v("latent_tokens", c.latent_tokens,
    FieldInfo{"codes a sequence (K); -1 = all encoder states (tokens)", {}, -1, 65536});
  v("latent_size", c.latent_size, FieldInfo{"size of one code (D)", {}, 1, 65536});
  v("sequence_length", c.sequence_length, FieldInfo{"longest sequence S, that of data.max_tokens", {}, 1, 65536});
  v("pad_inputs", c.pad_inputs,
    FieldInfo{"pad encoder inputs to sequence_length, as published (2021); slower, and codes depend on it"});
  visit_tokens_bottleneck(c.tokens_bottleneck, grouped("tokens_bottleneck", v));
  v("posterior", c.posterior,
    FieldInfo{"deterministic code, or gaussian with a learned variance", {"deterministic", "gaussian"}});
  visit_queries_bottleneck(c.queries_bottleneck, grouped("queries_bottleneck", v));
  v("inject_latent", c.inject_latent, FieldInfo{"also add a projection of the code to every decoder input"});
  v("bag_of_words", c.bag_of_words,
    FieldInfo{"a head that predicts the words from the code alone (loss.bag_of_words.weight)"});
  v("critic_block_sizes", c.critic_block_sizes,
    FieldInfo{"layers a block of the critic's Funnel encoder (loss.critic.score); empty = no critic"});
  v("pad_token_id", c.pad_token_id, FieldInfo{"id of padding", {}, 0, 1e7});
  v("eos_token_id", c.eos_token_id, FieldInfo{"id of the end of a sequence", {}, 0, 1e7});
  v("decoder_start_token_id", c.decoder_start_token_id, FieldInfo{"first decoder input", {}, 0, 1e7});
  v("unk_token_id", c.unk_token_id, FieldInfo{"id of unknown pieces, which also masks tokens", {}, 0, 1e7});
}

/// Shapes of loss.regularizer_schedule.
struct RegularizerScheduleConfig {
  double k = 0.0025;
  double b = 6.25;
  double start = 0.0;
  double end = 0.3;
};

template <class Config, class Visitor>
void visit_schedule(Config& c, Visitor&& v) {
  v("k", c.k, FieldInfo{"slope k of the sigmoid schedule, per step", {}, 0, 1e3});
  v("b", c.b, FieldInfo{"offset b of the sigmoid schedule"});
  v("start", c.start, FieldInfo{"share of training at which the linear ramp leaves 0", {}, 0, 1});
  v("end", c.end, FieldInfo{"share of training at which the linear ramp reaches its weight", {}, 0, 1});
}

/// loss.regularizer mmd and mmd_published.
struct MmdConfig {
  double bandwidth = 0.0;
  std::string scaling = "2021";
  int64_t queue = 1536;
  double token_weight = 0.5;
  double posterior_std = 0.3;
  double posterior_std_final = 0.7;
  double posterior_std_weight = 0.01;
};

template <class Config, class Visitor>
void visit_mmd(Config& c, Visitor&& v) {
  v("bandwidth", c.bandwidth,
    FieldInfo{"published kernel exp(-|x-y|^2/bandwidth); 0 = D^2, as published", {}, 0, 1e12});
  v("scaling", c.scaling,
    FieldInfo{"mmd_published: 2020 takes it as it is, 2021 times latent tokens over batch size", {"2020", "2021"}});
  v("queue", c.queue, FieldInfo{"recent codes the mmd regularizer compares against", {}, 0, 1e6});
  v("token_weight", c.token_weight,
    FieldInfo{"weight of the mmd of single codes beside that of the whole", {}, 0, 1e6});
  v("posterior_std", c.posterior_std,
    FieldInfo{"mmd with a gaussian posterior: the deviation it is held to at first", {}, 1e-6, 10}.also(
        "loss.posterior_std"));
  v("posterior_std_final", c.posterior_std_final,
    FieldInfo{"the deviation of mmd in the second half of training", {}, 1e-6, 10}.also("loss.posterior_std_final"));
  v("posterior_std_weight", c.posterior_std_weight,
    FieldInfo{"weight of KL(N(m, s^2) || N(m, posterior_std^2)) a token", {}, 0, 1e6}.also(
        "loss.posterior_std_weight"));
}

/// loss.regularizer kl.
struct KlConfig {
  double free_bits = 0.0;
  int64_t cycles = 1;
  double cycle_zero = 0.5;
  double cycle_increase = 0.25;
  double target = 0.0;
  double target_start = 200.0;
  double target_descent = 0.5;
  double target_floor = 0.0;
  double target_tolerance = 1.0;
  double target_rate = 0.02;
  double weight = 0.01;
};

template <class Config, class Visitor>
void visit_kl(Config& c, Visitor&& v) {
  v("free_bits", c.free_bits,
    FieldInfo{"KL a dimension below which it costs nothing, in nats (dim_target_kl)", {}, 0, 1e3});
  v("cycles", c.cycles, FieldInfo{"cycles of the cyclical schedule", {}, 1, 1e6});
  v("cycle_zero", c.cycle_zero, FieldInfo{"share of a cycle at weight 0 (ratio_zero)", {}, 0, 1});
  v("cycle_increase", c.cycle_increase,
    FieldInfo{"share of a cycle in which the weight rises (ratio_increase)", {}, 0, 1});
  v("target", c.target,
    FieldInfo{"steer the weight so that the mean KL is this many nats a sequence; 0 = off", {}, 0, 1e6});
  v("target_start", c.target_start, FieldInfo{"target at the first step, falling to target", {}, 0, 1e6});
  v("target_descent", c.target_descent, FieldInfo{"share of training in which the target falls", {}, 0, 1});
  v("target_floor", c.target_floor,
    FieldInfo{"lowest target, to which it falls on while held-out texts come back; 0 = it stays at loss.kl.target",
              {},
              0,
              1e6});
  v("target_tolerance", c.target_tolerance,
    FieldInfo{"with target_floor: they come back while their cross-entropy is at most so many nats a text (valid_nats)",
              {},
              0,
              1e6});
  v("target_rate", c.target_rate,
    FieldInfo{"how fast the weight is steered: its change a step for a KL twice the target", {}, 0, 1});
  v("weight", c.weight,
    FieldInfo{"with target: the weight at the first step; of a run that starts from another's model, the last "
              "kl_weight in its log is a good one",
              {},
              1e-4,
              10});
}

/// The head of model.bag_of_words.
struct BagOfWordsConfig {
  double weight = 0.0;
  double end = 0.5;
};

template <class Config, class Visitor>
void visit_bag_of_words(Config& c, Visitor&& v) {
  v("weight", c.weight, FieldInfo{"weight of predicting the words from the code alone", {}, 0, 1e6});
  v("end", c.end, FieldInfo{"share of training at which that weight has decayed to 0", {}, 0, 1});
}

/// The critic of model.critic_block_sizes (ACAI).
struct CriticConfig {
  std::string score = "none";
  double weight = 1.0;
  int64_t min_steps = 1000;
};

template <class Config, class Visitor>
void visit_critic(Config& c, Visitor&& v) {
  v("score", c.score,
    FieldInfo{"a critic guesses how far text is from a code's own (ACAI): score of the first state (cls), mean over "
              "states, or mean without activation",
              {"none", "cls", "mean", "mean_no_act"}}
        .also("loss.critic"));
  v("weight", c.weight, FieldInfo{"weight of the critic's judgement in the model's loss", {}, 0, 1e6});
  v("min_steps", c.min_steps, FieldInfo{"steps before the model hears the critic", {}, 0, 1e12});
}

struct LossConfig {
  std::string reduction = "mean";
  std::string regularizer = "kl";
  double regularizer_weight = 1.0;
  std::string regularizer_schedule = "constant";
  RegularizerScheduleConfig schedule;
  MmdConfig mmd;
  KlConfig kl;
  double encoding_reconstruction_weight = 0.0;
  BagOfWordsConfig bag_of_words;
  CriticConfig critic;
  double cycle_weight = 0.0;
  double vae_cycle_weight = 0.0;
  std::string smoothness = "none";
  double smoothness_weight = 1.0;
  int64_t interpolation_every = 1;
  double encoder_token_mask = 0.0;
  double mlm_probability = 0.0;
  double mlm_random_ratio = 0.1;
  double latent_dropout = 0.0;
  double latent_mix = 0.0;
  double latent_mix_start = 0.5;
  double decoder_token_mask = 0.0;
  double decoder_token_mask_end = 1.0;
};

template <class Config, class Visitor>
void visit_loss(Config& c, Visitor&& v) {
  v("reduction", c.reduction,
    FieldInfo{"cross-entropy as mean a token, or summed over the batch (2020)", {"mean", "sum"}});
  v("regularizer", c.regularizer, FieldInfo{"what shapes the code", {}});
  v("regularizer_weight", c.regularizer_weight, FieldInfo{"weight of the regularizer, times its schedule", {}, 0, 1e9});
  v("regularizer_schedule", c.regularizer_schedule,
    FieldInfo{"weight over time: constant, sigmoid(k step - b) as published, a linear ramp, or cyclical (OPTIMUS)",
              {"constant", "sigmoid", "linear", "cyclical"}});
  visit_schedule(c.schedule, grouped("schedule", v));
  visit_mmd(c.mmd, grouped("mmd", v));
  visit_kl(c.kl, grouped("kl", v));
  v("encoding_reconstruction_weight", c.encoding_reconstruction_weight,
    FieldInfo{"weight of the squared error between encoder states and their reconstruction (fc)", {}, 0, 1e6});
  visit_bag_of_words(c.bag_of_words, grouped("bag_of_words", v));
  visit_critic(c.critic, grouped("critic", v));
  v("cycle_weight", c.cycle_weight,
    FieldInfo{"weight of encoding decoded text between two codes back to where it came from", {}, 0, 1e6});
  v("vae_cycle_weight", c.vae_cycle_weight,
    FieldInfo{"weight of bringing a code back through the bottleneck alone", {}, 0, 1e6});
  v("smoothness", c.smoothness,
    FieldInfo{"hold down how fast decoder states (cosine) or logits change along a path between two codes",
              {"none", "logits", "logits_mean", "cosine"}});
  v("smoothness_weight", c.smoothness_weight, FieldInfo{"weight of smoothness", {}, 0, 1e6});
  v("interpolation_every", c.interpolation_every,
    FieldInfo{"optimizer steps between critic, cycle and smoothness losses", {}, 1, 1e9});
  v("encoder_token_mask", c.encoder_token_mask,
    FieldInfo{"share of encoder input tokens replaced by unknown", {}, 0, 1});
  v("mlm_probability", c.mlm_probability,
    FieldInfo{"denoising (2021): share of encoder input tokens chosen, 80% of which become unknown", {}, 0, 1});
  v("mlm_random_ratio", c.mlm_random_ratio,
    FieldInfo{"share of the other 20% that become a random id; 0.1 as published, 0.5 as in BERT", {}, 0, 1});
  v("latent_dropout", c.latent_dropout, FieldInfo{"dropout on the code", {}, 0, 0.999});
  v("latent_mix", c.latent_mix,
    FieldInfo{"structured noise: a code is moved towards another sequence's, at most this share of the way, and must "
              "still decode to its own",
              {},
              0,
              0.5});
  v("latent_mix_start", c.latent_mix_start, FieldInfo{"share of training from which latent_mix acts", {}, 0, 1});
  v("decoder_token_mask", c.decoder_token_mask,
    FieldInfo{"share of decoder input tokens replaced by unknown, at first", {}, 0, 1});
  v("decoder_token_mask_end", c.decoder_token_mask_end,
    FieldInfo{"share of training at which that share has decayed to 0", {}, 0, 1});
}

/// train.optimizer adamw, and what muon leaves to it.
struct AdamWConfig {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
};

template <class Config, class Visitor>
void visit_adamw(Config& c, Visitor&& v) {
  v("beta1", c.beta1, FieldInfo{"decay of AdamW's first moment", {}, 0, 0.999999}.also("train.beta1"));
  v("beta2", c.beta2, FieldInfo{"decay of AdamW's second moment", {}, 0, 0.999999}.also("train.beta2"));
  v("epsilon", c.epsilon, FieldInfo{"added to the root of AdamW's second moment", {}, 0, 1}.also("train.epsilon"));
}

/// train.optimizer muon.
struct MuonConfig {
  double learning_rate = 0.02;
  double momentum = 0.95;
};

template <class Config, class Visitor>
void visit_muon(Config& c, Visitor&& v) {
  v("learning_rate", c.learning_rate, FieldInfo{"peak learning rate of the matrices under muon", {}, 0, 1e3});
  v("momentum", c.momentum, FieldInfo{"momentum of muon", {}, 0, 0.9999});
}

/// train.optimizer adafactor.
struct AdafactorConfig {
  bool relative_step = false;
};

template <class Config, class Visitor>
void visit_adafactor(Config& c, Visitor&& v) {
  v("relative_step", c.relative_step, FieldInfo{"Adafactor sets its own rate; learning_rate is ignored"});
}

/// What train.previews shows.
struct PreviewConfig {
  int64_t samples = 10;
  std::string path = "slerp";
  bool probe = true;
};

template <class Config, class Visitor>
void visit_preview(Config& c, Visitor&& v) {
  v("samples", c.samples, FieldInfo{"draws from N(0, I) that previews decode", {}, 0, 1e6});
  v("path", c.path,
    FieldInfo{"the interpolation's path; token-slerp as published (2021), slerp for its interpolate_all_at_once",
              registered_names("path")});
  v("probe", c.probe, FieldInfo{"with data.label_column: classify held-out codes by an SVM, as published (2021)"});
}

/// Parts of the model that are computed again in the backward pass instead of keeping their states: less memory.
struct RecomputeConfig {
  bool encoder = false;
  int64_t decoder = 0;
};

template <class Config, class Visitor>
void visit_recompute(Config& c, Visitor&& v) {
  v("encoder", c.encoder,
    FieldInfo{"compute the encoder again in the backward pass instead of keeping its states: less memory"}.also(
        "model.gradient_checkpoint_encoder"));
  v("decoder", c.decoder,
    FieldInfo{"compute decoder layers again, too: 1 = every layer, n = all but every n-th, 0 = none", {}, 0, 1024}.also(
        "model.gradient_checkpoint_decoder"));
}

struct TrainConfig {
  int64_t steps = 0;
  double minutes = 0.0;
  double epochs = 1.0;
  int64_t batch_size = 32;
  int64_t batch_tokens = 0;
  int64_t accumulation_steps = 1;
  int64_t seed = 42;
  std::string optimizer = "adamw";
  double learning_rate = 1e-3;
  MuonConfig muon;
  double weight_decay = 0.0;
  AdamWConfig adamw;
  AdafactorConfig adafactor;
  std::string schedule = "linear";
  int64_t warmup_steps = 0;
  double clip_norm = 1.0;
  double ema_decay = 0.0;
  std::string precision = "auto";
  RecomputeConfig recompute;
  int64_t log_steps = 50;
  int64_t eval_steps = 500;
  int64_t save_steps = 500;
  int64_t early_stop_evaluations = 0;
  std::string save_model = "best";
  bool previews = true;
  PreviewConfig preview;
};

template <class Config, class Visitor>
void visit_train(Config& c, Visitor&& v) {
  v("steps", c.steps, FieldInfo{"optimizer steps; 0 = as many as train.epochs needs", {}, 0, 1e12});
  v("minutes", c.minutes,
    FieldInfo{"where train.steps is 0: as many steps as fit, by the speed of the first; 0 = train.epochs", {}, 0, 1e6});
  v("epochs", c.epochs, FieldInfo{"passes over the data where train.steps is 0", {}, 0, 1e6});
  v("batch_size", c.batch_size, FieldInfo{"sequences a micro-batch", {}, 1, 1e7});
  v("batch_tokens", c.batch_tokens, FieldInfo{"tokens a micro-batch instead; 0 = count sequences", {}, 0, 1e9});
  v("accumulation_steps", c.accumulation_steps, FieldInfo{"micro-batches an optimizer step", {}, 1, 1e6});
  v("seed", c.seed, FieldInfo{"seed of weights, order, noise and dropout", {}, 0, 9e15});
  v("optimizer", c.optimizer, FieldInfo{"adamw, adafactor, or muon (matrices by Muon, the rest by AdamW)"});
  v("learning_rate", c.learning_rate, FieldInfo{"peak learning rate", {}, 0, 1e3});
  visit_muon(c.muon, grouped("muon", v));
  v("weight_decay", c.weight_decay, FieldInfo{"decoupled weight decay (not on biases and norms)", {}, 0, 1e3});
  visit_adamw(c.adamw, grouped("adamw", v));
  visit_adafactor(c.adafactor, grouped("adafactor", v));
  v("schedule", c.schedule, FieldInfo{"learning rate after the warm-up", {"constant", "linear", "cosine"}});
  v("warmup_steps", c.warmup_steps, FieldInfo{"steps of linear warm-up", {}, 0, 1e12});
  v("clip_norm", c.clip_norm, FieldInfo{"largest gradient norm; 0 = no clipping", {}, 0, 1e12});
  v("ema_decay", c.ema_decay,
    FieldInfo{"decay of the averaged weights that are evaluated and saved; 0 = off", {}, 0, 0.999999});
  v("precision", c.precision,
    FieldInfo{"compute in fp32, or bf16: on CUDA with fp32 master weights, on a CPU what products multiply; auto = "
              "bf16 on CUDA",
              {"auto", "fp32", "bf16"}});
  visit_recompute(c.recompute, grouped("recompute", v));
  v("log_steps", c.log_steps, FieldInfo{"steps between lines of metrics.jsonl", {}, 1, 1e12});
  v("eval_steps", c.eval_steps, FieldInfo{"steps between evaluations on data.valid; 0 = only at the end", {}, 0, 1e12});
  v("save_steps", c.save_steps, FieldInfo{"steps between checkpoints; 0 = only at the end", {}, 0, 1e12});
  v("early_stop_evaluations", c.early_stop_evaluations,
    FieldInfo{"stop after this many evaluations without a better loss; 0 = never", {}, 0, 1e9});
  v("save_model", c.save_model,
    FieldInfo{"weights that OUT/model.safetensors holds: of the lowest held-out cross-entropy, once the rate falls no "
              "more, or the last",
              {"best", "last"}});
  v("previews", c.previews,
    FieldInfo{"at each evaluation log an interpolation between two held-out texts, samples, and the probe of labels"});
  visit_preview(c.preview, grouped("preview", v));
}

struct RunConfig {
  DataConfig data;
  ModelConfig model;
  LossConfig loss;
  TrainConfig train;
};

/// Calls v(key, value&, info) for every field, key as "section.field".
template <class Config, class Visitor>
void visit_run(Config& c, Visitor&& v) {
  visit_data(c.data, grouped("data", v));
  visit_model(c.model, grouped("model", v));
  visit_loss(c.loss, grouped("loss", v));
  visit_train(c.train, grouped("train", v));
}

}  // namespace tvae

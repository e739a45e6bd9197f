// Between the public types, which know nothing of the wire, and the protocol's. Functions are re-entrant.
#pragma once

#include <optional>
#include <string>

#include "accrue/client.hpp"
#include "ingest/wire/queries.hpp"

namespace accrue::client {

wire::StreamSpec to_wire(const StreamSpec& spec);
wire::ModelSpec to_wire(const ModelSpec& spec);
StreamSpec from_wire(wire::StreamSpec spec);
Prediction from_wire(const wire::Prediction& prediction);
Coefficients from_wire(wire::Coef coef);
Metrics from_wire(wire::Metrics metrics);
Models from_wire(wire::Models models);
KeptEpochs from_wire(const wire::Epochs& epochs);
Status from_wire(wire::Status status);
Error from_wire(const wire::Error& error);

// What was wrong with a row, as a clause.
std::string describe(wire::RejectReason reason);

// Where queries go: `named` by the daemon listening at `endpoint`. A daemon that binds all interfaces cannot know by
// which address it is reached, so for tcp only the port counts.
std::string query_endpoint(const std::string& endpoint, const std::string& named);

}  // namespace accrue::client

// A trained model in C++: g++ -o model examples/model.cpp, and the rest as for examples/model.c.
#include "lstmcore.h"

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <vector>

static void check(lc_status status) {
    if (status != LC_OK) throw std::runtime_error(lc_status_text(status));
}

int main(int count, char **words) {
    lc_model *loaded;
    lc_stream *stream;
    std::size_t bytes;
    check(lc_model_load(count > 1 ? words[1] : "m.lcm", &loaded));
    const std::unique_ptr<lc_model, decltype(&lc_model_free)> model(loaded, lc_model_free);
    check(lc_stream_measure(loaded, 1, &bytes));
    std::vector<char> memory(bytes);
    check(lc_stream_open(loaded, 1, memory.data(), &stream));
    std::vector<float> x(lc_model_inputs(loaded)), y(lc_model_outputs(loaded));
    for (int t = 0; t < 3; t++) {
        x[0] = 0.5f * t;
        check(lc_stream_step(stream, x.data(), y.data()));
        std::printf("%.9g\n", y[0]);
    }
}

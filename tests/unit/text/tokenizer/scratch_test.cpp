#include "text/tokenizer/scratch.h"

#include <gtest/gtest.h>

namespace quern::text {
namespace {

TEST(ScratchPool, OneAtATimeAndReused) {
    struct Item {
        int value = 0;
    };
    ScratchPool<Item> pool;
    const Item* first_place = nullptr;
    {
        ScratchPool<Item>::Lease first(pool), second(pool);
        EXPECT_NE(&*first, &*second);  // two calls at once never share
        first->value = 1;
        first_place = &*first;
    }
    ScratchPool<Item>::Lease again(pool), other(pool);
    EXPECT_TRUE(&*again == first_place || &*other == first_place);
    EXPECT_EQ(again->value + other->value, 1);
}

}  // namespace
}  // namespace quern::text

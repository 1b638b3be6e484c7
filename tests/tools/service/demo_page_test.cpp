// SPDX-License-Identifier: Apache-2.0
#include "tools/service/demo_page.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include "tests/support/child_process.h"

namespace lacuna::service {
namespace {

using testing::TemporaryFolder;
using testing::write_text;

TEST(DemoPage, HoldsThePagesFilesAndNoOthers) {
    const TemporaryFolder folder;
    write_text(folder / "index.html", "<!doctype html>");
    write_text(folder / "client.mjs", "export {}");
    write_text(folder / "lacuna.wasm", std::string("\0asm", 4));
    write_text(folder / "notes.txt", "no");
    write_text(folder / ".hidden.html", "no");
    std::filesystem::create_directory(folder / "folder.html");
    const DemoPage page(folder / "");
    ASSERT_NE(page.find(""), nullptr);
    EXPECT_EQ(page.find(""), page.find("index.html"));
    EXPECT_EQ(page.find("")->bytes, "<!doctype html>");
    EXPECT_EQ(page.find("")->type, "text/html; charset=utf-8");
    EXPECT_EQ(page.find("client.mjs")->type, "text/javascript; charset=utf-8");
    EXPECT_EQ(page.find("lacuna.wasm")->type, "application/wasm");
    EXPECT_EQ(page.find("lacuna.wasm")->bytes, std::string("\0asm", 4));
    for (const char* name : {"notes.txt", ".hidden.html", "folder.html", "other.html", "../index.html"}) {
        EXPECT_EQ(page.find(name), nullptr) << name;
    }
    EXPECT_EQ(DemoPage().find(""), nullptr);
}

TEST(DemoPage, RefusesAFolderWithoutAPageAndOneThatIsTooLarge) {
    const TemporaryFolder folder;
    EXPECT_THROW(DemoPage(folder / ""), Error);
    EXPECT_THROW(DemoPage(folder / "missing"), Error);
    write_text(folder / "index.html", "<!doctype html>");
    write_text(folder / "large.wasm", "");
    std::filesystem::resize_file(folder / "large.wasm", DemoPage::most_bytes);
    EXPECT_THROW(DemoPage(folder / ""), Error);
}

}  // namespace
}  // namespace lacuna::service

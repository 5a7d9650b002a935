import { expect, test } from "vitest";
import { pieces } from "./links.js";

test("addresses of the web are links, without what ends the sentence", () => {
  expect(pieces("See https://shop.example.com/a?b=c#d.")).toEqual(["See ", "https://shop.example.com/a?b=c#d", "."]);
  expect(pieces("(HTTP://a.example), http://b.example!")).toEqual(["(", "HTTP://a.example", "), ", "http://b.example", "!"]);
});

test("nothing else is", () => {
  for (const text of ["", "javascript:alert(1)", "data:text/html,x", "//shop.example.com", "ftp://shop.example.com", "http://", "xhttps//"]) {
    expect(pieces(text)).toEqual([text]);
  }
  expect(pieces('<a href="https://a.example">')).toEqual(['<a href="', "https://a.example", '">']);
});

import{t,_ as o,s,a as e,P as i}from"./page-mkIb30JX.js";const a="Agent Control Window",n={title:a},_=t(n,{de:()=>o(()=>import("./de-QLDVYxQa.js"),[])});s(()=>e(i,{title:_("title")}));

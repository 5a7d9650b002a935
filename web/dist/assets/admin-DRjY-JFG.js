import{t,_ as s,s as i,a as o,P as a}from"./page-mkIb30JX.js";const e="Administration",n={title:e},_=t(n,{de:()=>s(()=>import("./de-AQ5GfiIG.js"),[])});i(()=>o(a,{title:_("title")}));

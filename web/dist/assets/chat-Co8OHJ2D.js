import{t,_ as s,s as a,a as o,P as e}from"./page-mkIb30JX.js";const i="Chat",_={title:i},l=t(_,{de:()=>s(()=>import("./de-VcYzhuvR.js"),[])});a(()=>o(e,{title:l("title")}));

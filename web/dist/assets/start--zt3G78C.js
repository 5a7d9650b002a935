import{t,_ as s,s as e,a as o,P as a}from"./page-mkIb30JX.js";const i="Usher",_={title:i},r=t(_,{de:()=>s(()=>import("./de-e_epPgZS.js"),[])});e(()=>o(a,{title:r("title")}));

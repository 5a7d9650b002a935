const t="Leitstand",e={title:t};export{e as default,t as title};

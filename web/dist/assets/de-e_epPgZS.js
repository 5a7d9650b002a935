const t="Usher",e={title:t};export{e as default,t as title};

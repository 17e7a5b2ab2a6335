{{kind}}

/** Handlebars without the package's entry, which teaches require() to load template files. */
declare module "handlebars/dist/cjs/handlebars.js" {
  import Handlebars from "handlebars";
  export default Handlebars;
}

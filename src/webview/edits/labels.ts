/** The label that is no class: what erasing leaves behind. */
export const BACKGROUND = 0;
